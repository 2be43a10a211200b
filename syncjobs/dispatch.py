"""The only publisher: admits jobs, sends their wake-ups, sends again what nobody claimed, takes back what was lost."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from celery import current_app
from django.conf import settings

from syncjobs.clock import db_now
from syncjobs.crash_points import crash_here
from syncjobs.lifecycle import Admitted, admit_jobs, reap_expired_leases, requeue_due_retries
from syncjobs.models import SyncJob
from syncjobs.querysets import JobQuerySet
from syncjobs.statuses import Status

logger = logging.getLogger("syncjobs.dispatch")

RESEND_AFTER = timedelta(seconds=60)
BROKER_DOWN = "broker unreachable, will be sent when it returns"


def tick(now: datetime) -> int:
    """One round of the dispatcher at `now`; returns how many wake-ups were sent. Idempotent, and safe beside others."""
    reap_expired_leases(now)
    requeue_due_retries(now)
    admit_jobs(now, sends_ahead=settings.CELERY_BROKER_URL.startswith(("redis", "valkey", "unix")))
    _forget_unclaimed(now)
    return _send_all(_unsent())


def _admitted() -> JobQuerySet:
    return SyncJob.objects.filter(status=Status.QUEUED.value, dispatch_id__isnull=False)


def _unsent() -> list[Admitted]:
    rows = _admitted().filter(sent_at__isnull=True)
    found = rows.order_by("-priority", "id").values_list("pk", "dispatch_id", "queue")[:1000]
    return [Admitted(pk, dispatch_id, queue) for pk, dispatch_id, queue in found if dispatch_id is not None]


def _forget_unclaimed(now: datetime) -> None:
    """What was sent long ago and never claimed counts as unsent: the broker may have lost it."""
    if lost := _admitted().filter(sent_at__lt=now - RESEND_AFTER).update(sent_at=None):
        logger.warning("%s wake-ups were not claimed within %s s and are sent again", lost, RESEND_AFTER.seconds)


def _send_all(jobs: list[Admitted]) -> int:
    if jobs and _outage.is_on:  # told before the next try, which may take a while to fail
        _note_outage()
    sent = 0
    for job in jobs:
        crash_here("before_send")
        try:
            _send(job)
        except Exception as error:
            # kombu and its transports raise many unrelated classes; whichever it is, the row stays and is sent later
            _outage.begin(error)
            _note_outage()
            break
        _outage.end()
        crash_here("after_send")
        _admitted().filter(dispatch_id=job.dispatch_id).update(sent_at=db_now(), wait_reason="")
        sent += 1
    return sent


def _note_outage() -> None:
    _admitted().filter(sent_at__isnull=True).update(wait_reason=BROKER_DOWN)


class Outage:
    """Whether this process finds the broker away; tells of each change once."""

    def __init__(self) -> None:
        self.is_on = False

    def begin(self, error: Exception) -> None:
        if not self.is_on:
            logger.warning("The broker is unreachable: %s", error)
        self.is_on = True

    def end(self) -> None:
        if self.is_on:
            logger.info("The broker answers again")
        self.is_on = False


_outage = Outage()


def _send(job: Admitted) -> None:
    current_app.send_task(
        "syncjobs.run_sync_job", args=[job.job_id, str(job.dispatch_id)], queue=job.queue, retry=False
    )
