"""Entries of the audit, chosen and told: what its page, the API and the command share. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q, QuerySet

from syncjobs.models import AuditEvent
from syncjobs.operations.job_type_differences import Difference

SEARCHED = 100_000
"""A search for words looks through the newest so many entries; all other filters go by indexes."""
OUT_OF_ORDER = timedelta(hours=1)
"""Entries have their numbers in the order of time, but for what transactions of this length bring."""
Entries = QuerySet[AuditEvent, AuditEvent]


@dataclass(frozen=True, slots=True)
class AuditChoice:
    """Which entries; empty means any. `until` is the first moment after them."""

    who: str = ""
    verb: str = ""
    door: str = ""
    object_type: str = ""
    object_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""


def find_entries(choice: AuditChoice) -> Entries:
    """The entries, in no order yet."""
    names = ("who", "verb", "door", "object_type", "object_id")
    exact = {name: value for name in names if (value := getattr(choice, name)) not in ("", None)}
    found = AuditEvent.objects.filter(**exact)
    if choice.since is not None:
        first = AuditEvent.objects.filter(at__gte=choice.since - OUT_OF_ORDER).order_by("at").first()
        found = found.filter(at__gte=choice.since, pk__gte=first.pk if first else 0)
    if choice.until is not None:
        last = AuditEvent.objects.filter(at__lt=choice.until + OUT_OF_ORDER).order_by("-at").first()
        found = found.filter(at__lt=choice.until, pk__lte=last.pk if last else 0)
    return _search(found, choice.text) if choice.text else found


def _search(found: Entries, text: str) -> Entries:
    newest = AuditEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
    fields = ("object_name", "reason", "who", "verb", "request_id", "token")
    wanted = Q(ip=text) if _is_address(text) else Q()
    for field in fields:
        wanted |= Q(**{f"{field}__icontains": text})
    return found.filter(wanted, pk__gt=newest - SEARCHED)


def _is_address(text: str) -> bool:
    return 2 <= len(text) <= 45 and set(text) <= set("0123456789abcdefABCDEF.:")


def list_changes(entry: AuditEvent) -> list[Difference]:
    """What changed, field by field; of an object that was made or deleted all that it had."""
    old, new = entry.before or {}, entry.after or {}
    return [
        Difference((name,), old.get(name), new.get(name), name in old, name in new)
        for name in dict.fromkeys([*old, *new])
    ]


def describe_entry(entry: AuditEvent) -> dict[str, Any]:
    """The entry for programs; `before` and `after` are null where the object was not yet, or is no more."""
    return {
        "id": entry.pk,
        "at": entry.at,
        "who": entry.who,
        "token": entry.token or None,
        "door": entry.door,
        "verb": entry.verb,
        "object": {"type": entry.object_type, "id": entry.object_id, "name": entry.object_name},
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason or None,
        "ip": entry.ip,
        "request_id": entry.request_id or None,
    }
