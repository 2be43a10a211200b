"""The bare Celery that document jobs are measured beside: a task of nothing, and one that keeps a row.

`celery -A tests.benchmarks.plain_celery worker`; with CELERY_DB_REUSE_MAX set, connections are kept between tasks.
"""

from __future__ import annotations

import os

import django
from celery import Celery
from django.conf import settings
from django.utils import timezone

django.setup()  # a worker imports this module first

from tests.benchmarks.ledger.models import PlainJob  # noqa: E402

QUEUE = "plain"

app = Celery("plain")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    task_default_queue=QUEUE,
    task_ignore_result=True,
    worker_hijack_root_logger=False,
    CELERY_DB_REUSE_MAX=int(os.environ.get("CELERY_DB_REUSE_MAX", "0")) or None,
)


@app.task(name="plain.nothing")  # type: ignore[untyped-decorator]
def nothing(_number: int) -> None:
    """Only what Celery itself costs."""


@app.task(name="plain.save")  # type: ignore[untyped-decorator]
def save(number: int) -> None:
    """A row that is loaded and saved three times."""
    job = PlainJob.objects.get(pk=number)
    job.status, job.started_at = "started", timezone.now()
    job.save()
    job.status = "working"
    job.save()
    job.status, job.ended_at = "finished", timezone.now()
    job.save()


@app.task(name="plain.update")  # type: ignore[untyped-decorator]
def update(number: int) -> None:
    """Three guarded updates: what a careful job runner cannot do without."""
    row = PlainJob.objects.filter(pk=number)
    row.filter(status="queued").update(status="started", started_at=timezone.now())
    row.filter(status="started").update(status="working")
    row.filter(status="working").update(status="finished", ended_at=timezone.now())
