"""Folds the saves that wait in the inbox into one job for each document, once they have paused. Part of the dispatcher.

Safe beside other dispatchers: whoever has the type's row looks at the entries, and marks them together with the job.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from django.db import Error as DatabaseProblem
from django.db import connection, transaction
from django.db.models import Exists, Max, Min, OuterRef, QuerySet

from syncjobs.crash_points import crash_here
from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.models import InboxEntry, SyncJob, SyncJobType
from syncjobs.operations.inbox import remove_entries, waiting_entries
from syncjobs.operations.job_types import run_job_type
from syncjobs.statuses import Trigger

logger = logging.getLogger("syncjobs.inbox")
MOST_FOLDED = 50  # in one round, so that other jobs are sent meanwhile
MOST_LOOKED_AT = 1_000  # documents of one type in one round, those first that wait longest
LONG_LOOK_SECONDS, LOOK_SHARE = 0.05, 10
REST_SECONDS = 30.0  # for a type of which no job can be made
ACTOR = "document hook"
InboxEntries: TypeAlias = QuerySet[InboxEntry, InboxEntry]


class WaitingDocument(NamedTuple):
    """A document with saves that no job has served, the first and the last of them."""

    document_type: str
    name: str
    first: datetime
    last: datetime

    def due_at(self, job_type: SyncJobType) -> datetime:
        """When its job is made, if it is not saved again until then."""
        quiet = self.last + timedelta(seconds=job_type.watch_quiet_seconds)
        return min(quiet, self.first + timedelta(seconds=job_type.watch_most_seconds))


class Inbox:
    """One dispatcher's view: what is due, when to look again, and which types to leave alone for a while."""

    def __init__(self) -> None:
        self._due: list[tuple[SyncJobType, WaitingDocument]] = []
        self._wake_at: float | None = None  # on the monotonic clock, as the next one
        self._look_after = 0.0
        self._resting_until: dict[int, datetime] = {}
        self._complaints: set[tuple[int, str]] = set()

    def tick(self, now: datetime) -> int:
        """Make some of the jobs that are due at `now`; returns how many."""
        self._wake_at = None
        if not self._due and time.monotonic() >= self._look_after:
            self._look(now)
        portion, self._due = self._due[:MOST_FOLDED], self._due[MOST_FOLDED:]
        made = sum(self._fold(job_type, document, now) for job_type, document in portion)
        if self._due:
            self._wake_in(0)
        elif self._wake_at is None and (wait := self._look_after - time.monotonic()) > 0:
            self._wake_in(wait)
        return made

    def seconds_until_due(self) -> float:
        """How long the dispatcher may sleep without keeping a document waiting; infinity if none waits."""
        return float("inf") if self._wake_at is None else max(0.0, self._wake_at - time.monotonic())

    def _wake_in(self, seconds: float) -> None:
        at = time.monotonic() + seconds
        self._wake_at = at if self._wake_at is None else min(self._wake_at, at)

    def _look(self, now: datetime) -> None:
        """Note what is due, and when the next document will be. A look that takes long is not repeated soon."""
        began = time.monotonic()
        for job_type in _types_with_waiting_saves():
            rest = self._resting_until.get(job_type.pk)
            if not (job_type.enabled and job_type.watch_saves):
                _drop_saves(job_type)
            elif rest is not None and rest > now:
                self._wake_in((rest - now).total_seconds())
            else:
                self._note_due(job_type, now)
        took = time.monotonic() - began
        self._look_after = began + LOOK_SHARE * took if took > LONG_LOOK_SECONDS else 0.0

    def _note_due(self, job_type: SyncJobType, now: datetime) -> None:
        for document in _waiting_documents(job_type):
            if (seconds := (document.due_at(job_type) - now).total_seconds()) > 0:
                self._wake_in(seconds)
            else:
                self._due.append((job_type, document))

    def _fold(self, job_type: SyncJobType, document: WaitingDocument, now: datetime) -> bool:
        if self._resting_until.get(job_type.pk, now) > now:
            return False
        try:
            return fold_document(job_type, document, now)
        except DatabaseProblem:
            raise
        except Exception as error:  # the type is not fit to run, or a bug; either way other types go on
            self._complain(job_type, error, now)
            return False

    def _complain(self, job_type: SyncJobType, error: Exception, now: datetime) -> None:
        if (job_type.pk, str(error)) not in self._complaints:
            logger.error("Saves that %s watches wait, since no job of it can be made: %s", job_type, error)
        self._complaints.add((job_type.pk, str(error)))
        self._resting_until[job_type.pk] = now + timedelta(seconds=REST_SECONDS)
        self._wake_in(REST_SECONDS)


def fold_document(job_type: SyncJobType, document: WaitingDocument, now: datetime) -> bool:
    """Make one job for the document and mark its saves as served, both or neither; whether that was still to be done.

    Raises what run_job_type does.
    """
    if document.document_type.lower() != job_type.source_document_type.lower():  # the type reads something else now
        remove_entries(_saves_of(job_type, document))
        return False
    with transaction.atomic():
        same = SyncJobType.objects.select_for_update(no_key=True).filter(pk=job_type.pk, version=job_type.version)
        if not same.exists():  # paused, edited or deleted since it was read: the next round looks again
            return False
        saves = list(_saves_of(job_type, document).select_for_update(skip_locked=connection.vendor == "postgresql"))
        if not saves or _as_they_are(saves).due_at(job_type) > now:
            return False
        job = _make_job(job_type, saves)
        for chunk in in_chunks([save.pk for save in saves]):
            InboxEntry.objects.filter(pk__in=chunk).update(job=job, served_at=now)
        crash_here("before_fold_commit")
    crash_here("after_fold_commit")
    return True


def _make_job(job_type: SyncJobType, saves: Sequence[InboxEntry]) -> SyncJob:
    """A new job, or one that was made for earlier saves and has not begun."""
    last, operation, saved_at = saves[-1], _net_operation(saves), _as_they_are(saves).last
    is_gone = operation == InboxEntry.Operation.DELETE
    job = run_job_type(
        job_type,
        trigger=Trigger.DOCUMENT_HOOK,
        actor=last.saved_by or ACTOR,
        context={"document_operation": operation},
        dedupe_key=f"hook {'deleted' if is_gone else 'saved'} {last.document_name}",
        source_document_type=last.document_type,
        source_document_name=last.document_name,
        triggered_by_document_type=last.document_type,
        triggered_by_document_name=last.document_name,
        trigger_document_timestamp=saved_at,
    )
    if job.was_waiting:
        SyncJob.objects.filter(pk=job.pk).update(trigger_document_timestamp=saved_at)
    text = "Job #%s serves %s saves of %s %s"
    logger.info(text, job.pk, len(saves), last.document_type, last.document_name, extra={"sync_id": job.pk})
    return job


def _net_operation(saves: Sequence[InboxEntry]) -> str:
    """What all of them together come to; a document that was deleted and is there again was updated."""
    if saves[-1].operation == InboxEntry.Operation.DELETE:
        return InboxEntry.Operation.DELETE.value
    return str(saves[0].operation if saves[0].operation == "insert" else InboxEntry.Operation.UPDATE.value)


def _as_they_are(saves: Sequence[InboxEntry]) -> WaitingDocument:
    times = [save.saved_at for save in saves]
    return WaitingDocument(saves[0].document_type, saves[0].document_name, min(times), max(times))


def _types_with_waiting_saves() -> list[SyncJobType]:
    """Those of paused types stay where they are until somebody resumes these."""
    waiting = InboxEntry.objects.filter(job_type=OuterRef("pk"), served_at__isnull=True)
    return list(SyncJobType.objects.filter(Exists(waiting), paused_at=None).order_by("pk"))


def _waiting_documents(job_type: SyncJobType) -> list[WaitingDocument]:
    documents = waiting_entries(job_type).order_by().values_list("document_type", "document_name")
    times = documents.annotate(first=Min("saved_at"), last=Max("saved_at"))
    return [WaitingDocument(*row) for row in times.order_by("first")[:MOST_LOOKED_AT]]


def _saves_of(job_type: SyncJobType, document: WaitingDocument) -> InboxEntries:
    named = {"document_type": document.document_type, "document_name": document.name}
    return waiting_entries(job_type).filter(**named).order_by("pk")


def _drop_saves(job_type: SyncJobType) -> None:
    if dropped := remove_entries(waiting_entries(job_type)):
        logger.info("%s saves start nothing, since %s does not watch any more or is disabled", dropped, job_type)


_inbox = Inbox()


def tick(now: datetime) -> int:
    """One look of this process's dispatcher; returns how many jobs were made."""
    return _inbox.tick(now)


def seconds_until_due() -> float:
    """Until when the next round may wait."""
    return _inbox.seconds_until_due()
