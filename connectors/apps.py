"""The Django application of connectors."""

from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    """Names the application; its label stays `connectors`."""

    name = "connectors"
    label = "connectors"
    default_auto_field = "django.db.models.BigAutoField"
