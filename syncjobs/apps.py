"""The Django application of syncjobs."""

from django.apps import AppConfig


class SyncJobsConfig(AppConfig):
    """Names the application; its label stays `syncjobs`."""

    name = "syncjobs"
    label = "syncjobs"
    default_auto_field = "django.db.models.BigAutoField"
