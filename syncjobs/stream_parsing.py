"""Reads a stream sync's configuration into specs, or says in one sentence each what is wrong with it."""

from __future__ import annotations

from typing import Any

from connectors.limits import LARGEST_VALUE_BYTES
from connectors.records import PartitionRequest
from syncjobs.date_ranges import RangeSpec, WindowSpec, parse_day_or_time
from syncjobs.guard_schemas import GUARDS_SCHEMA
from syncjobs.mapping import ConfigProblems, parse_mapping
from syncjobs.mapping.conditions import read_condition
from syncjobs.mapping.problems import schema_problems
from syncjobs.stream_checks import cross_problems, double_targets
from syncjobs.stream_cursors import CursorSpec, double_cursors, has_range
from syncjobs.stream_schemas import STREAM_SYNC_SCHEMA
from syncjobs.stream_source_schemas import QUERY_MOST_BYTES, QUERY_MOST_ROWS
from syncjobs.stream_specs import DeletePolicy, RejectPolicy, SchemaPolicy, SpecProblems, StreamSpec
from syncjobs.stream_splits import LEAST_ROWS, SplitSpec


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
            problems += cross_problems(specs[-1], place)
    problems += double_targets(config["streams"])
    problems += double_cursors(config["streams"])
    if problems:
        raise SpecProblems(problems)
    return tuple(specs)


def _read_stream(data: dict[str, Any], place: str) -> StreamSpec:
    columns, window, cursor = data.get("columns"), data.get("window"), data.get("cursor")
    mapping, partition, split = data.get("mapping"), data.get("partition"), data.get("split")
    return StreamSpec(
        source=data["source"],
        target=data["target"],
        query=data.get("query"),
        key=tuple(data.get("key", ())),
        mode=data.get("mode", "upsert"),
        extent=data.get("extent", "full"),
        batch_size=data.get("batch_size") and int(data["batch_size"]),
        filters=tuple(read_condition(item) for item in data.get("filters") or ()),
        cursor=CursorSpec(**cursor) if cursor else None,
        window=WindowSpec(window["field"], int(window["days"])) if window else None,
        explicit_range=_read_range(data, place),
        partition=PartitionRequest(partition["field"], int(partition["rows"])) if partition else None,
        split=SplitSpec(int(split["children"]), int(split.get("rows", LEAST_ROWS))) if split else None,
        max_rows=_read_limit(data, "max_rows", QUERY_MOST_ROWS),
        max_bytes=_read_limit(data, "max_bytes", QUERY_MOST_BYTES),
        max_value_bytes=int(data.get("max_value_bytes") or LARGEST_VALUE_BYTES),
        columns=None if columns is None else tuple(columns),
        mapping=None if mapping is None else parse_mapping(mapping, f"{place}.mapping"),
        on_reject=_read_reject_policy(data.get("on_reject", {})),
        deletes=DeletePolicy(**(data.get("deletes") or {})),
        schema_policy=SchemaPolicy(**data.get("schema_policy", {})),
        target_schema=data.get("target_schema", "create"),
    )


def _read_limit(data: dict[str, Any], name: str, of_query: int) -> int | None:
    """A limit of one run; a query has one even where none is set."""
    value = data.get(name) or (None if data.get("query") is None else of_query)
    return None if value is None else int(value)


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
