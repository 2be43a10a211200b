"""What does not go together in a stream's configuration, beyond what a JSON Schema can say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.query_texts import query_problems
from syncjobs.mapping.conditions import condition_problems
from syncjobs.mapping.problems import quote
from syncjobs.stream_specs import StreamSpec
from syncjobs.stream_splits import split_problems


def cross_problems(spec: StreamSpec, place: str) -> Iterator[str]:
    """What does not go together in one stream; `place` is its path in the config."""
    if spec.mode in ("upsert", "mirror") and not spec.key:
        yield f"{place}.key: mode {spec.mode} needs a key; name the fields that tell records apart"
    if spec.extent == "window" and not spec.window:
        yield f"{place}.window: extent window needs a window with field and days"
    if spec.extent == "incremental" and not spec.cursor:
        yield f"{place}.cursor: extent incremental needs a cursor with a field that grows with every change"
    if spec.extent == "incremental" and spec.mode not in ("append", "upsert"):
        yield (
            f"{place}.extent: mode {spec.mode} has to read everything, so extent incremental does not go with it;"
            " choose extent full, or mode upsert"
        )
    if spec.mode == "replace" and spec.explicit_range:
        yield (
            f"{place}.range: mode replace leaves nothing but what it reads, so a date range does not go with it;"
            " leave the dates out, or use mode mirror or upsert"
        )
    if spec.deletes.policy == "soft":
        yield from _soft_delete_problems(spec, f"{place}.deletes")
    if spec.query is not None:
        yield from (f"{place}.query: {problem}" for problem in query_problems(spec.query))
    if spec.partition and spec.extent == "incremental":
        yield f"{place}.partition: extent incremental reads in pages by its cursor, so a partition does not go with it"
    if spec.split:
        yield from split_problems(spec, f"{place}.split")
    for number, item in enumerate(spec.filters):
        yield from condition_problems(item, f"{place}.filters[{number}]")
    if spec.mode == "mirror":
        yield from _unmirrored_filters(spec, place)
    if spec.mapping is not None:
        yield from _missing(
            spec.key, [rule.to for rule in spec.mapping], f"{place}.key", "is not filled by the mapping"
        )
    if spec.columns is not None:
        needed = spec.key if spec.mapping is None else [name for rule in spec.mapping for name in rule.source_columns]
        who = f"{place}.key" if spec.mapping is None else f"{place}.mapping"
        yield from _missing(needed, spec.columns, who, "is not among the columns")


def _unmirrored_filters(spec: StreamSpec, place: str) -> Iterator[str]:
    """A mirror deletes only inside its filters, so the target must show what they ask for."""
    fields = [(item.field, f"{place}.filters[{number}]") for number, item in enumerate(spec.filters)]
    if spec.explicit_range is not None:
        fields.append((spec.explicit_range.field, f"{place}.range"))
    elif spec.extent == "window" and spec.window is not None:
        fields.append((spec.window.field, f"{place}.window"))
    for name, path in fields:
        if spec.target_field(name) is None:
            yield (
                f"{path}: mode mirror needs {quote(name)} in the target as it is in the source; map it without "
                "transforms, or use mode upsert"
            )


def _soft_delete_problems(spec: StreamSpec, path: str) -> Iterator[str]:
    field, filled = spec.deletes.field, [rule.to for rule in spec.mapping or ()] or list(spec.columns or ())
    if spec.mode != "mirror":
        yield f"{path}.policy: soft deletes are those of mode mirror; mode {spec.mode} has none"
    if not field:
        yield f"{path}.field: soft deletes need a field of the target to mark, as deleted_at"
    elif field in spec.key:
        yield f"{path}.field: {quote(field)} is part of the key; name a field of its own"
    elif field in filled:
        yield f"{path}.field: {quote(field)} is filled from the source already; name a field of its own"


def _missing(needed: Sequence[str], known: Sequence[str], path: str, words: str) -> Iterator[str]:
    for name in dict.fromkeys(needed):
        if name not in known:
            yield f"{path}: {quote(name)} {words} ({', '.join(known)})"


def double_targets(streams: list[dict[str, Any]]) -> Iterator[str]:
    """Streams that would write to the same target."""
    first: dict[str, int] = {}
    for number, data in enumerate(streams):
        earlier = first.setdefault(data["target"], number)
        if earlier != number:
            yield f"streams[{number}].target: {quote(data['target'])} is already the target of streams[{earlier}]"
