"""What pages show of the inbox: what waits there for a type, and which saves a job has served. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min

from syncjobs.models import InboxEntry, SyncJob, SyncJobType
from syncjobs.operations.inbox import waiting_entries
from syncjobs.portal.words import plural
from syncjobs.statuses import Trigger

MOST_COUNTED, LATEST_SERVED, JOBS_SHOWN, SAVES_OF_A_JOB = 10_000, 500, 5, 20


@dataclass(frozen=True, slots=True)
class ServedDocument:
    """The saves of one document that one job served: how many in words, who saved it last and when."""

    job_id: int
    name: str
    operation: str
    words: str
    saved_by: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class TypeInbox:
    """What waits, in words, since when; and the documents that were served last."""

    waiting: str
    oldest: datetime | None
    served: list[ServedDocument]


@dataclass(frozen=True, slots=True)
class ServedSaves:
    """How many saves a job has served, the first and the last; some of them."""

    words: str
    first: datetime
    last: datetime
    shown: list[InboxEntry]
    are_all: bool


def inbox_of(job_type: SyncJobType) -> TypeInbox | None:
    """None for a type that does not watch."""
    if not job_type.watch_saves:
        return None
    some = waiting_entries(job_type).order_by()[: MOST_COUNTED + 1]
    found = some.aggregate(saves=Count("pk"), documents=Count("document_name", distinct=True), oldest=Min("saved_at"))
    return TypeInbox(_waiting(found["saves"], found["documents"]), found["oldest"], _served_last(job_type))


def _served_last(job_type: SyncJobType) -> list[ServedDocument]:
    served = InboxEntry.objects.filter(job_type=job_type, served_at__isnull=False, job__isnull=False)
    by_job: dict[int, list[InboxEntry]] = {}
    for save in served.order_by("-served_at", "-pk")[:LATEST_SERVED]:
        by_job.setdefault(save.job_id or 0, []).append(save)
    return [_served_document(saves) for saves in list(by_job.values())[:JOBS_SHOWN]]


def _served_document(saves: list[InboxEntry]) -> ServedDocument:
    last, many = saves[0], len(saves) == LATEST_SERVED
    words = f"{LATEST_SERVED:,} saves or more" if many else plural(len(saves), "save")
    return ServedDocument(last.job_id or 0, last.document_name, last.operation, words, last.saved_by, last.saved_at)


def _waiting(saves: int, documents: int) -> str:
    if saves > MOST_COUNTED:
        return f"more than {MOST_COUNTED:,} saves"
    return f"{plural(saves, 'save')} of {plural(documents, 'document')}" if saves else ""


def served_saves(job: SyncJob) -> ServedSaves | None:
    """None for a job that no hook has made, and for one whose saves are kept no longer."""
    if job.trigger_type != Trigger.DOCUMENT_HOOK:
        return None
    saves = InboxEntry.objects.filter(job=job).order_by()
    found = saves.aggregate(number=Count("pk"), first=Min("saved_at"), last=Max("saved_at"))
    if not found["number"]:
        return None
    shown = list(saves.order_by("-pk")[:SAVES_OF_A_JOB])
    words = plural(found["number"], "save")
    return ServedSaves(words, found["first"], found["last"], shown, len(shown) == found["number"])
