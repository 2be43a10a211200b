"""The configuration of a stream sync: reading it into frozen specs, and limiting it to one run. Knows no clock."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal

from connectors.records import Filter
from syncjobs.date_ranges import RangeSpec, WindowSpec, parse_day_or_time, range_filters, window_start
from syncjobs.mapping import ConfigProblems, FieldRule, parse_mapping
from syncjobs.mapping.conditions import condition_problems, read_condition
from syncjobs.mapping.problems import list_words, quote, schema_problems
from syncjobs.mapping.spec import Column
from syncjobs.stream_cursors import CursorSpec, double_cursors, has_range
from syncjobs.stream_schemas import GUARDS_SCHEMA, STREAM_SYNC_SCHEMA

NO_MATTER_WHEN = datetime(2000, 1, 1, tzinfo=UTC)  # an explicit range does not look at the clock
Policy = Literal["stop", "ignore"]
Mode = Literal["append", "upsert", "mirror", "replace"]


class SpecProblems(ConfigProblems):
    """A stream sync's configuration that can not be used."""


@dataclass(frozen=True, slots=True)
class SchemaPolicy:
    """What happens when the source's columns are no longer those last seen."""

    dropped: Policy = "stop"
    changed: Policy = "stop"
    added: Policy = "ignore"


@dataclass(frozen=True, slots=True)
class RejectPolicy:
    """What becomes of records that do not fit; the limits of one job that sets them aside: a number, a share of 1."""

    policy: Literal["stop", "quarantine"] = "stop"
    most: int = 100
    most_share: float = 1.0

    @property
    def sets_aside(self) -> bool:
        return self.policy == "quarantine"


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream of a job type. `mapping` None keeps names and types of `columns` (None = all).

    `explicit_range` is set for one run (a backfill) and goes before `extent`. `batch_size` None lets the run choose.
    """

    source: str
    target: str
    key: tuple[str, ...] = ()
    mode: Mode = "upsert"
    extent: Literal["full", "window", "incremental"] = "full"
    batch_size: int | None = None
    filters: tuple[Filter, ...] = ()
    cursor: CursorSpec | None = None
    window: WindowSpec | None = None
    explicit_range: RangeSpec | None = None
    columns: tuple[str, ...] | None = None
    mapping: tuple[FieldRule, ...] | None = None
    on_reject: RejectPolicy = RejectPolicy()
    schema_policy: SchemaPolicy = SchemaPolicy()
    target_schema: Literal["create", "expect"] = "create"

    @property
    def is_incremental(self) -> bool:
        """Whether a run begins at the stored cursor and moves it; a backfill does neither."""
        return self.extent == "incremental" and self.explicit_range is None

    def target_field(self, source_field: str) -> str | None:
        """The target field that a source field is copied to as it is, perhaps with another type; None if none is."""
        if self.mapping is None:
            return source_field if self.columns is None or source_field in self.columns else None
        plain = (rule for rule in self.mapping if rule.origin == Column(source_field) and not rule.transforms)
        return next((rule.to for rule in plain), None)


def guard_problems(guards: Any) -> list[str]:
    """What is wrong with a job type's guards, one sentence each, beginning with the path."""
    return schema_problems(GUARDS_SCHEMA, guards, "guards")


def parse_streams(config: Any) -> tuple[StreamSpec, ...]:
    """The streams of a job type's config `{"streams": […]}`. Raises SpecProblems with one sentence per problem."""
    problems = schema_problems(STREAM_SYNC_SCHEMA, config, "")
    if problems:
        raise SpecProblems(problems)
    specs: list[StreamSpec] = []
    for number, data in enumerate(config["streams"]):
        place = f"streams[{number}]"
        try:
            specs.append(_read_stream(data, place))
        except ConfigProblems as error:
            problems += error.problems
        else:
            problems += _cross_problems(specs[-1], place)
    problems += _double_targets(config["streams"])
    problems += double_cursors(config["streams"])
    if problems:
        raise SpecProblems(problems)
    return tuple(specs)


def _read_stream(data: dict[str, Any], place: str) -> StreamSpec:
    columns, window, cursor = data.get("columns"), data.get("window"), data.get("cursor")
    mapping = data.get("mapping")
    return StreamSpec(
        source=data["source"],
        target=data["target"],
        key=tuple(data.get("key", ())),
        mode=data.get("mode", "upsert"),
        extent=data.get("extent", "full"),
        batch_size=data.get("batch_size") and int(data["batch_size"]),
        filters=tuple(read_condition(item) for item in data.get("filters") or ()),
        cursor=CursorSpec(**cursor) if cursor else None,
        window=WindowSpec(window["field"], int(window["days"])) if window else None,
        explicit_range=_read_range(data, place),
        columns=None if columns is None else tuple(columns),
        mapping=None if mapping is None else parse_mapping(mapping, f"{place}.mapping"),
        on_reject=_read_reject_policy(data.get("on_reject", {})),
        schema_policy=SchemaPolicy(**data.get("schema_policy", {})),
        target_schema=data.get("target_schema", "create"),
    )


def _read_reject_policy(data: dict[str, Any]) -> RejectPolicy:
    return RejectPolicy(data.get("policy", "stop"), int(data.get("max", 100)), float(data.get("max_share", 1)))


def _read_range(data: dict[str, Any], place: str) -> RangeSpec | None:
    """The stored range of one run; its field is the window's unless it names one."""
    if not has_range(data):
        return None
    limits = data["range"]
    field = limits.get("field") or (data.get("window") or {}).get("field")
    problems = [] if field else [f"{place}.range: a date range needs a window field, which {data['source']} has not"]
    ends = {}
    for name in ("start", "end"):
        try:
            ends[name] = None if limits.get(name) is None else parse_day_or_time(limits[name])
        except ValueError as error:
            problems.append(f"{place}.range.{name}: {error}")
    if problems or field is None:
        raise SpecProblems(problems)
    return RangeSpec(field, ends["start"], ends["end"])


def _cross_problems(spec: StreamSpec, place: str) -> Iterator[str]:
    if spec.mode in ("upsert", "mirror") and not spec.key:
        yield f"{place}.key: mode {spec.mode} needs a key; name the fields that tell records apart"
    if spec.extent == "window" and not spec.window:
        yield f"{place}.window: extent window needs a window with field and days"
    if spec.extent == "incremental" and not spec.cursor:
        yield f"{place}.cursor: extent incremental needs a cursor with a field that grows with every change"
    if spec.extent == "incremental" and spec.mode not in ("append", "upsert"):
        yield f"{place}.extent: mode {spec.mode} has to read everything, so extent incremental does not go with it"
    if spec.mode == "replace" and spec.explicit_range:
        yield f"{place}.range: mode replace leaves nothing but what it reads, so a date range does not go with it"
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


def _missing(needed: Sequence[str], known: Sequence[str], path: str, words: str) -> Iterator[str]:
    for name in dict.fromkeys(needed):
        if name not in known:
            yield f"{path}: {quote(name)} {words} ({', '.join(known)})"


def _double_targets(streams: list[dict[str, Any]]) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, data in enumerate(streams):
        earlier = first.setdefault(data["target"], number)
        if earlier != number:
            yield f"streams[{number}].target: {quote(data['target'])} is already the target of streams[{earlier}]"


def window_filters(spec: StreamSpec, now: datetime, zone: tzinfo) -> tuple[Filter, ...]:
    """The conditions that the explicit range, else the window extent, adds to spec.filters; times are in `zone`.

    Raises SpecProblems where the range ends before it starts.
    """
    if spec.explicit_range is not None:
        try:
            return range_filters(spec.explicit_range, zone)
        except ValueError as error:
            raise SpecProblems([f"{spec.source}: {error}"]) from error
    if spec.extent == "window" and spec.window is not None:
        return (Filter(spec.window.field, "ge", window_start(spec.window, now, zone)),)
    return ()


def limit_streams(
    config: dict[str, Any],
    endpoints: Sequence[str] | None = None,
    start: str | None = None,
    end: str | None = None,
    batch_size: int | None = None,
    *,
    zone: tzinfo = UTC,
    now: datetime | None = None,
) -> dict[str, Any]:
    """A new config with only the streams whose source is among `endpoints` (None = all), the range and the batch size.

    Raises SpecProblems for an unknown endpoint (with the list), a bad date or batch size, a range on a stream without a
    window field, a range that ends before it starts or (given `now`) starts in the future. Times without a zone are in
    `zone`.
    """
    parse_streams(config)
    chosen = copy.deepcopy(_choose(config["streams"], endpoints))
    for data in chosen:
        if start is not None or end is not None:
            field = (data.get("window") or data.get("range") or {}).get("field")
            data["range"] = {**({"field": field} if field else {}), "start": start, "end": end}
        if batch_size is not None:
            data["batch_size"] = batch_size
    limited = {**config, "streams": chosen}
    for spec in parse_streams(limited):
        for found in window_filters(spec, NO_MATTER_WHEN, zone) if spec.explicit_range else ():
            if now is not None and found.operator == "ge" and found.value > now:
                raise SpecProblems([f"{spec.source}: the range starts in the future, at {start}"])
    return limited


def _choose(streams: list[dict[str, Any]], endpoints: Sequence[str] | None) -> list[dict[str, Any]]:
    if endpoints is None:
        return streams
    sources = [data["source"] for data in streams]
    unknown = [name for name in endpoints if name not in sources]
    if unknown or not endpoints:
        what = f"{quote(unknown[0])} is not one of this type's streams" if unknown else "name at least one stream"
        raise SpecProblems([f"endpoints: {what}; choose from {list_words(sources, 'and')}"])
    return [data for data in streams if data["source"] in endpoints]
