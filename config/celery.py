"""The Celery application, which `python -m config worker` and `python -m config beat` start. Holds no task."""

import os

import config.json_only  # isort: skip # noqa: F401 - before Celery loads kombu
from celery import Celery
from celery.signals import setup_logging
from django.conf import settings
from django.utils.log import configure_logging

from config.console import send_console_to_stdout

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Celery would run them in each worker, tell nobody of the findings, and load the whole portal for them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("syncdeck")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["syncjobs"])


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_our_logging(**_: object) -> None:
    """Receiving this signal alone keeps Celery from replacing the log handlers."""
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    send_console_to_stdout()
