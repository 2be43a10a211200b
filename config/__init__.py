"""Wires the parts together and reads the environment. Importing it makes our Celery application the current one."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
