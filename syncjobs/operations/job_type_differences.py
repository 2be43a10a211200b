"""What differs between two versions of a type, field by field, and what saving the later one leads to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from syncjobs.models import StreamCursor, SyncJob, SyncJobType
from syncjobs.stream_cursors import cursor_fields


class _NotThere:
    """Stands for a field that one of the two has not."""

    def __bool__(self) -> bool:
        return False


NOT_THERE: Any = _NotThere()
IDENTITIES = {"streams": ("source", "target"), "mapping": ("to",)}
"""By what the objects of a list are told apart, so that one that moved is no other one."""
MOST_DIFFERENCES = 500
STREAM_PARTS = ("source", "query", "target", "key", "mode", "filters", "columns", "mapping")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field or part that differs; `was_there` and `is_there` tell a missing one from null."""

    place: tuple[str, ...]
    old: Any
    new: Any
    was_there: bool = True
    is_there: bool = True

    @property
    def path(self) -> str:
        """The place in words, from the outside in."""
        return " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ".join(self.place)


def list_differences(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """What differs between two snapshots of a type, in the order of the later one; at most 500."""
    found: list[Difference] = []
    for difference in _compare(old, new, ()):
        found.append(difference)
        if len(found) == MOST_DIFFERENCES:
            break
    return found


def list_consequences(job_type: SyncJobType, new: dict[str, Any]) -> list[str]:
    """What saving a snapshot as the next version of the type means for its jobs, schedules and cursors: sentences."""
    old = job_type.snapshot()
    return [
        sentence
        for sentence in (
            _for_jobs(job_type),
            _for_schedules(job_type, old, new),
            *_for_cursors(job_type, old["config"], new["config"]),
            *_for_targets(old, new),
        )
        if sentence
    ]


def _compare(old: Any, new: Any, place: tuple[str, ...]) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*new, *old]):
            yield from _compare(old.get(name, NOT_THERE), new.get(name, NOT_THERE), (*place, str(name)))
    elif _is_list_of_parts(old, new) or _is_list_of_parts(new, old):
        yield from _compare_lists(old or [], new or [], place)
    elif not _is_same(old, new):
        was_there, is_there = old is not NOT_THERE, new is not NOT_THERE
        yield Difference(place, old if was_there else None, new if is_there else None, was_there, is_there)


def _compare_lists(old: list[Any], new: list[Any], place: tuple[str, ...]) -> Iterator[Difference]:
    before, after = _by_identity(old, place), _by_identity(new, place)
    for name in dict.fromkeys([*after, *before]):
        yield from _compare(before.get(name, NOT_THERE), after.get(name, NOT_THERE), (*place, name))
    kept_before, kept_after = [name for name in before if name in after], [name for name in after if name in before]
    if kept_before != kept_after:
        yield Difference((*place, "order"), kept_before, kept_after)


def _by_identity(items: list[Any], place: tuple[str, ...]) -> dict[str, Any]:
    for name in IDENTITIES.get(place[-1] if place else "", ()):
        named = {item[name]: item for item in items if isinstance(item, dict) and isinstance(item.get(name), str)}
        if len(named) == len(items):
            return named
    return {f"{number}.": item for number, item in enumerate(items, 1)}


def _is_list_of_parts(value: Any, other: Any) -> bool:
    """Whether it is a list of objects, and the other one, too, unless that is missing or empty."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return False
    return not other or (isinstance(other, list) and all(isinstance(item, dict) for item in other))


def _is_same(old: Any, new: Any) -> bool:
    if old is NOT_THERE or new is NOT_THERE:
        return old is new
    return json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)


def _for_jobs(job_type: SyncJobType) -> str:
    active = SyncJob.objects.filter(job_type=job_type).active().count()
    if not active:
        return ""
    whose = "One job is active: it keeps" if active == 1 else f"{active:,} jobs are active: they keep"
    return f"{whose} the version with which it began." if active == 1 else f"{whose} the version with which they began."


def _for_schedules(job_type: SyncJobType, old: dict[str, Any], new: dict[str, Any]) -> str:
    schedules = job_type.schedules.filter(periodic_task__enabled=True).count()
    if not schedules:
        return ""
    what = "Its schedule" if schedules == 1 else f"Its {schedules:,} schedules"
    one = schedules == 1
    if old["enabled"] and not new["enabled"]:
        return f"{what} start{'s' if one else ''} nothing any more, since the type is switched off."
    if new["enabled"] and not old["enabled"]:
        return f"{what} start{'s' if one else ''} it again, since the type is switched on."
    return f"{what} stay{'s' if one else ''} as before, and start{'s' if one else ''} the new version when next due."


def _for_cursors(job_type: SyncJobType, old: Any, new: Any) -> Iterator[str]:
    before, after = _cursors(old), _cursors(new)
    entries = StreamCursor.objects.filter(job_type=job_type, stream__in=[*before, *after]).order_by("id")
    ledger = {entry.stream: entry for entry in entries}
    for stream in dict.fromkeys([*after, *before]):
        entry = ledger.get(stream)
        if stream not in after:
            yield f"{stream} is not read by a cursor any more; its ledger is kept."
        elif entry is None or entry.new is None:
            if before.get(stream) != after[stream]:
                yield f"{stream}: the next run reads everything, and then the cursor {after[stream]} begins."
        elif entry.field == after[stream]:
            yield f"{stream}: the cursor is kept at {entry.new}; the next run goes on from there."
            if _stream(old, stream) != _stream(new, stream):
                yield f"{stream}: records before the cursor are not read again, so they stay as they were written."
        else:
            yield f"{stream}: the cursor was one of {entry.field or 'a window'}, so the next run reads everything."


def _for_targets(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    if old["target_connector"] != new["target_connector"]:
        yield "The target is another system; what was written to the former one stays there."
    elif gone := sorted(_targets(old["config"]) - _targets(new["config"])):
        yield f"{', '.join(gone)} {'is' if len(gone) == 1 else 'are'} written no more; its records stay."
    modes = {stream.get("target"): stream.get("mode") for stream in _streams(old["config"])}
    for stream in _streams(new["config"]):
        mode, target = stream.get("mode"), stream.get("target")
        if mode in ("mirror", "replace") and modes.get(target, mode) != mode:
            yield f"{target}: mode {mode} also deletes records there that the source does not have."


def _cursors(config: Any) -> dict[str, str]:
    try:
        return cursor_fields(config)
    except (KeyError, TypeError, AttributeError):  # a config that cannot be saved
        return {}


def _streams(config: Any) -> list[dict[str, Any]]:
    streams = config.get("streams") if isinstance(config, dict) else None
    return [item for item in streams if isinstance(item, dict)] if isinstance(streams, list) else []


def _targets(config: Any) -> set[str]:
    return {str(stream.get("target")) for stream in _streams(config)}


def _stream(config: Any, source: str) -> dict[str, Any]:
    """What decides what is read and how it is written."""
    found = next((stream for stream in _streams(config) if stream.get("source") == source), {})
    return {name: found.get(name) for name in STREAM_PARTS}
