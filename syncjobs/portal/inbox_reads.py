"""What pages show of the inbox: what waits there for a type, and which saves a job has served. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min

from syncjobs.models import InboxEntry, SyncJob, SyncJobType
from syncjobs.operations.inbox import waiting_entries
from syncjobs.portal.words import plural
from syncjobs.statuses import Trigger

MOST_COUNTED, LATEST_SERVED, SAVES_OF_A_JOB = 10_000, 8, 20


@dataclass(frozen=True, slots=True)
class TypeInbox:
    """What waits, in words, since when; and the saves that were served last."""

    waiting: str
    oldest: datetime | None
    served: list[InboxEntry]


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
    served = InboxEntry.objects.filter(job_type=job_type, served_at__isnull=False).order_by("-served_at", "-pk")
    return TypeInbox(_waiting(found["saves"], found["documents"]), found["oldest"], list(served[:LATEST_SERVED]))


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
