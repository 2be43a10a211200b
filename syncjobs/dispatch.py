"""The only publisher: admits jobs, sends their wake-ups, sends again what nobody claimed, takes back what was lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from celery import current_app
from django.conf import settings

from syncjobs.crash_points import crash_here
from syncjobs.dispatch_outbox import Outbox
from syncjobs.lifecycle import Admitted, admit_jobs, explain_waits, reap_expired_leases, requeue_due_retries
from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.lifecycle.occupancy import sent_jobs, waiting_jobs
from syncjobs.lifecycle.turns import Turns
from syncjobs.models import ProgramSeen
from syncjobs.operations.job_type_states import resume_due_types
from syncjobs.operations.schedule_pauses import pause_drifting_schedules
from syncjobs.programs_seen import ProgramReport
from syncjobs.querysets import JobQuerySet
from syncjobs.texts import storable_text

logger = logging.getLogger("syncjobs.dispatch")

RESEND_AFTER = timedelta(seconds=60)
KEEP_HOUSE_EVERY = timedelta(seconds=0.5)
LOOK_AT_SCHEDULES_EVERY = timedelta(seconds=10)
EXPLAIN_EVERY = timedelta(seconds=1)
EXPLAIN_SHARE = 20  # times as long as it takes
MOST_SENT = 1_000  # in one round
MARKED_TOGETHER = 50  # what a crash may make us send twice, which is harmless
BROKER_DOWN = "broker unreachable, will be sent when it returns"


class Dispatcher:
    """One dispatcher. What it remembers makes it quick and quiet; all that matters lies in the database."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._outbox = Outbox()
        self.outage = Outage()
        self._kept_house_at: datetime | None = None
        self._looked_at_schedules_at: datetime | None = None
        self._explained_at: datetime | None = None
        self._explain_every = EXPLAIN_EVERY

    def tick(self, now: datetime) -> int:
        """One round at `now`; returns how many wake-ups were sent. Idempotent, and safe beside others."""
        if _is_due(self._kept_house_at, KEEP_HOUSE_EVERY, now):
            self._kept_house_at = now
            self._keep_house(now)
        if waiting_jobs().exists():
            self._outbox.add(admit_jobs(now, sends_ahead=_can_send_ahead(), turns=self._turns))
        sent = self._send(self._outbox.to_send(_unsent(), now), now)
        if _is_due(self._explained_at, self._explain_every, now):
            self._explain(now)
        return sent

    def _explain(self, now: datetime) -> None:
        """Seldom enough to be a small part of what the dispatcher does, however many jobs wait."""
        began = time.monotonic()
        explain_waits(now, outage=BROKER_DOWN if self.outage.is_on else "")
        self._explained_at = now
        self._explain_every = max(EXPLAIN_EVERY, timedelta(seconds=EXPLAIN_SHARE * (time.monotonic() - began)))

    def _keep_house(self, now: datetime) -> None:
        """What the clock brings about; nobody waits for it to the tenth of a second."""
        reap_expired_leases(now)
        requeue_due_retries(now)
        resume_due_types(now)
        if _is_due(self._looked_at_schedules_at, LOOK_AT_SCHEDULES_EVERY, now):
            self._looked_at_schedules_at = now
            pause_drifting_schedules(now)
        self._outbox.add(_forget_unclaimed(now))

    def _send(self, jobs: list[Admitted], now: datetime) -> int:
        if jobs and self.outage.is_on:  # told before the next try, which may take a while to fail
            _note_outage()
        sent = 0
        for together in in_chunks(jobs, MARKED_TOGETHER):
            gone: list[Admitted] = []
            try:
                for message in self._publish(together):
                    gone += message
                    self.outage.end(now)
            except Exception as error:
                # kombu and its transports raise many unrelated classes; whichever it is, the rows stay, sent later
                self.outage.begin(error, now)
            _mark_sent(gone, now)
            sent += len(gone)
            if self.outage.is_on:
                _note_outage()
                break
        return sent

    def _publish(self, jobs: list[Admitted]) -> Iterator[list[Admitted]]:
        """Send by a connection that is kept; gives the jobs of each message as soon as the broker has it."""
        with current_app.producer_pool.acquire(block=True, timeout=1) as producer:
            for (queue, _), group in groupby(jobs, key=lambda job: (job.queue, job.dispatch_id)):
                same = list(group)
                for message in in_chunks(same, self._turns.together(queue, len(same))):
                    crash_here("before_send")
                    _send(message, producer)
                    crash_here("after_send")
                    yield message


def _is_due(last: datetime | None, every: timedelta, now: datetime) -> bool:
    return last is None or not now - every < last <= now  # a clock that was set back makes it due, too


def _can_send_ahead() -> bool:
    """Elsewhere Celery fetches messages before it can run them, so they would be stuck behind a busy process."""
    return settings.CELERY_BROKER_URL.startswith(("redis", "valkey", "unix"))


def _unsent() -> list[Admitted]:
    return _admitted(sent_jobs().filter(sent_at__isnull=True))


def _admitted(jobs: JobQuerySet) -> list[Admitted]:
    """The first of them, in the order of their turn."""
    found = jobs.order_by("-priority", "id").values_list("pk", "dispatch_id", "queue")[:MOST_SENT]
    return [Admitted(pk, dispatch_id, queue) for pk, dispatch_id, queue in found if dispatch_id is not None]


def _forget_unclaimed(now: datetime) -> list[Admitted]:
    """What was sent long ago and never claimed counts as unsent: the broker may have lost it. Gives what that is."""
    long_ago = sent_jobs().filter(sent_at__lt=now - RESEND_AFTER)
    lost = _admitted(long_ago)
    if not lost or not long_ago.filter(pk__in=[job.job_id for job in lost]).update(sent_at=None):
        return []  # there is nothing, or another dispatcher was quicker
    logger.warning("%s wake-ups were not claimed within %s s and are sent again", len(lost), RESEND_AFTER.seconds)
    return lost


def _send(jobs: Sequence[Admitted], producer: Any) -> None:
    """One message for jobs of one queue and turn."""
    first, *others = jobs
    arguments: list[Any] = [first.job_id, str(first.dispatch_id)]
    if others:
        arguments.append([job.job_id for job in others])
    current_app.send_task(
        "syncjobs.run_sync_job", args=arguments, queue=first.queue, producer=producer, retry=False, ignore_result=True
    )


def _mark_sent(jobs: list[Admitted], now: datetime) -> None:
    """Those that a worker has already claimed need no mark any more."""
    if jobs:
        turns = {job.dispatch_id for job in jobs}
        sent = sent_jobs().filter(pk__in=[job.job_id for job in jobs], dispatch_id__in=turns)
        sent.update(sent_at=now, wait_reason="")


def _note_outage() -> None:
    sent_jobs().filter(sent_at__isnull=True).exclude(wait_reason=BROKER_DOWN).update(wait_reason=BROKER_DOWN)


class Outage:
    """Whether this process finds the broker away, and since when it knows; tells of each change once."""

    def __init__(self) -> None:
        self.is_on = False
        self.seen_at: datetime | None = None
        self.message = ""

    def begin(self, error: Exception, now: datetime) -> None:
        if not self.is_on:
            logger.warning("The broker is unreachable: %s", error)
        self.is_on, self.seen_at, self.message = True, now, storable_text(str(error))[:300]

    def end(self, now: datetime) -> None:
        if self.is_on:
            logger.info("The broker answers again")
        self.is_on, self.seen_at, self.message = False, now, ""


_dispatcher = Dispatcher()


_report = ProgramReport(ProgramSeen.Role.DISPATCHER)


def tick(now: datetime) -> int:
    """One round of this process's dispatcher; returns how many wake-ups were sent."""
    return _dispatcher.tick(now)


def report(now: datetime) -> int:
    """Every few seconds: say that this dispatcher is there, and how it last found the broker. Counts as no work."""
    outage = _dispatcher.outage
    broker_ok = None if outage.seen_at is None else not outage.is_on
    _report.report(now, broker_ok=broker_ok, broker_seen_at=outage.seen_at, broker_message=outage.message)
    return 0


def leave() -> None:
    """This dispatcher stops."""
    _report.leave()
