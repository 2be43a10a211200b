"""The one writer of the audit. Operations call `record` in the transaction of the change itself; doors never do.

Who asks, and through which door, is what the door has said to `syncjobs.asking`. What the machine does on its own
(retries, lost leases, child jobs, jobs started by schedules, hooks and chains) is told by JobEvents, not here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Model
from django.db.models.functions import Now

from syncjobs.asking import present_asker
from syncjobs.models import AuditEvent
from syncjobs.operations.job_type_differences import list_differences
from syncjobs.texts import storable_fields, storable_text

OBJECT_TYPES = {"syncjob": "job", "syncjobtype": "job_type", "apitoken": "token"}
"""What models are called here whose own name is another one."""
INSTALLATION = "installation"
LONGEST_VALUE = 10_000
NAMES = ("slug", "title", "username", "name")

Values = dict[str, Any]


def record(
    verb: str,
    thing: Model | None,
    *,
    before: Values | None = None,
    after: Values | None = None,
    reason: str = "",
    actor: str = "",
) -> None:
    """Note that `verb` was done to `thing` (None: to the installation), in one INSERT.

    Of `before` and `after` only what differs is kept; with one of them None, all of the other. Neither may hold
    secrets: whoever describes an object names its credentials at most. Call it before the thing is deleted.
    """
    record_many(verb, [(thing, before, after)], reason=reason, actor=actor)


def record_many(
    verb: str,
    changes: Iterable[tuple[Model | None, Values | None, Values | None]],
    *,
    reason: str = "",
    actor: str = "",
) -> None:
    """The same for many things (thing, before, after), likewise in one INSERT."""
    asker = present_asker()
    common = {
        "at": Now(),
        "who": storable_text(actor or asker.name() or "unknown")[:150],
        "token": asker.token[:20],
        "door": asker.door.value,
        "verb": verb,
        "reason": storable_text(reason)[:500],
        "ip": asker.ip,
        "request_id": asker.request_id[:64],
    }
    entries = [AuditEvent(**common, **_about(thing), **_values(old, new)) for thing, old, new in changes]
    AuditEvent.objects.bulk_create(entries)


def _about(thing: Model | None) -> Values:
    if thing is None:
        return {"object_type": INSTALLATION, "object_name": ""}
    name = next((text for field in NAMES if (text := getattr(thing, field, ""))), None) or str(thing)
    kind = str(thing._meta.model_name)
    object_type = OBJECT_TYPES.get(kind, kind)
    return {"object_type": object_type, "object_id": thing.pk, "object_name": storable_text(str(name))[:300]}


def _values(old: Values | None, new: Values | None) -> dict[str, Values | None]:
    if old is None or new is None:
        return {"before": _storable(old), "after": _storable(new)}
    found = list_differences(_plain(old), _plain(new))
    before = {difference.path: difference.old for difference in found if difference.was_there}
    after = {difference.path: difference.new for difference in found if difference.is_there}
    return {"before": _storable(before), "after": _storable(after)}


def _plain(values: Values) -> Values:
    """As JSON has them, so that a time and its text are no difference."""
    return storable_fields(values)


def _storable(values: Values | None) -> Values | None:
    return None if values is None else storable_fields({name: _cut(value) for name, value in values.items()})


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:LONGEST_VALUE]}… ({len(value):,} characters)"
    return value
