"""Stream sync configurations: what is accepted, how mistakes are named, and what a run's range means."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from connectors.records import Filter
from syncjobs.date_ranges import RangeSpec, WindowSpec, parse_day_or_time
from syncjobs.guard_schemas import GUARDS_SCHEMA
from syncjobs.stream_cursors import CursorSpec
from syncjobs.stream_limiting import limit_streams, window_filters
from syncjobs.stream_parsing import guard_problems, parse_streams
from syncjobs.stream_schemas import STREAM_SYNC_SCHEMA
from syncjobs.stream_specs import SchemaPolicy, SpecProblems, StreamSpec
from tests.appendix import GUARDS, STREAM

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # already the 24th in Berlin


def stream(**settings: Any) -> dict[str, Any]:
    return {"source": "a", "target": "b", "key": ["id"], **settings}


def config(*streams: dict[str, Any]) -> dict[str, Any]:
    return {"streams": list(streams)}


INCREMENTAL = stream(extent="incremental", cursor={"field": "seen"})


def test_the_stream_of_the_appendix_is_read() -> None:
    (spec,) = parse_streams(config(STREAM))
    assert spec.mapping is not None
    assert len(spec.mapping) == 5
    assert (spec.source, spec.target, spec.key, spec.batch_size) == ("airports", "airports", ("icao",), 50_000)
    assert spec.filters == (Filter("country", "in", ("US", "CA")),)
    assert spec.cursor == CursorSpec("updated_at", 300)
    assert spec.window == WindowSpec("crash_date", 30)
    assert spec.explicit_range is None
    assert spec.schema_policy == SchemaPolicy("stop", "stop", "ignore")
    assert guard_problems(GUARDS) == []


def test_what_is_left_out_has_its_default() -> None:
    (spec,) = parse_streams(config(stream()))
    assert spec == StreamSpec("a", "b", ("id",))
    assert (spec.mode, spec.extent, spec.on_reject.policy, spec.target_schema) == ("upsert", "full", "stop", "create")
    assert (spec.batch_size, spec.mapping, spec.columns) == (None, None, None)


def test_the_schemas_are_valid_and_closed() -> None:
    for schema in (STREAM_SYNC_SCHEMA, GUARDS_SCHEMA):
        Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(STREAM_SYNC_SCHEMA).is_valid(config(STREAM))
    assert not Draft202012Validator(STREAM_SYNC_SCHEMA).is_valid(config(STREAM | {"batchsize": 1}))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "config: must be an object, not None"),
        ({}, "config: 'streams' is required"),
        ({"streams": []}, "streams: must not be empty"),
        ({"streams": [stream()], "x": 1}, "config: unknown setting 'x'; known are streams and masked_fields"),
        (config({"target": "b"}), "streams[0]: 'source' is required"),
        (config(stream(source="")), "streams[0].source: must not be blank or hold a NUL character"),
        (
            config(stream(mode="merge")),
            "streams[0].mode: 'merge' does not exist; choose append, upsert, mirror or replace",
        ),
        (
            config(stream(mode="mirror", key=[])),
            "streams[0].key: mode mirror needs a key; name the fields that tell records apart",
        ),
        (
            config(stream(mode="mirror", columns=["id"], filters=[{"field": "country", "op": "eq", "value": "US"}])),
            (
                "streams[0].filters[0]: mode mirror needs 'country' in the target as it is in the source; map it "
                "without transforms, or use mode upsert"
            ),
        ),
        (
            config(
                stream(
                    mode="mirror",
                    extent="window",
                    window={"field": "day", "days": 3},
                    mapping=[
                        {"to": "id", "from": "id"},
                        {"to": "day", "from": "day", "transforms": [{"op": "strip"}]},
                    ],
                )
            ),
            (
                "streams[0].window: mode mirror needs 'day' in the target as it is in the source; map it "
                "without transforms, or use mode upsert"
            ),
        ),
        (
            config(stream(mode="replace", window={"field": "day", "days": 3}, range={"start": "2026-01-01"})),
            (
                "streams[0].range: mode replace leaves nothing but what it reads, so a date range does not go with it; "
                "leave the dates out, or use mode mirror or upsert"
            ),
        ),
        (
            config(stream(extent="continuous")),
            "streams[0].extent: 'continuous' does not exist; choose full, window or incremental",
        ),
        (
            config(stream(on_reject={"policy": "ignore"})),
            "streams[0].on_reject.policy: 'ignore' does not exist; choose stop or quarantine",
        ),
        (
            config(stream(schema_policy={"dropped": "evolve"})),
            "streams[0].schema_policy.dropped: 'evolve' does not exist; choose stop or ignore",
        ),
        (config(stream(batch_size=0)), "streams[0].batch_size: must be at least 1"),
        (
            config(stream(batch_size=10**9)),
            "streams[0].batch_size: must be at most 1,000,000, not 1000000000",
        ),
        (config(stream(batch_size=True)), "streams[0].batch_size: must be a whole number or null, not True"),
        (config(stream(batch_size="10 ")), "streams[0].batch_size: must be a whole number or null, not '10 '"),
        (config(stream(batch_size=1.5)), "streams[0].batch_size: must be a whole number or null, not 1.5"),
        (config(stream(key=["id", "id"])), "streams[0].key: names something twice"),
        (
            config(stream(key=[])),
            "streams[0].key: mode upsert needs a key; name the fields that tell records apart",
        ),
        (
            config(stream(extent="window")),
            "streams[0].window: extent window needs a window with field and days",
        ),
        (config(stream(window={"field": "d"})), "streams[0].window: 'days' is required"),
        (
            config(stream(extent="incremental")),
            "streams[0].cursor: extent incremental needs a cursor with a field that grows with every change",
        ),
        (
            config(INCREMENTAL, INCREMENTAL | {"target": "c"}),
            (
                "streams[1].extent: streams[0] reads 'a' incrementally already; "
                "give this one a job type of its own, so that each has its own cursor"
            ),
        ),
        (
            config(stream(), stream(source="c")),
            "streams[1].target: 'b' is already the target of streams[0]",
        ),
        (
            config(stream(mapping=[{"to": "x", "from": "id"}])),
            "streams[0].key: 'id' is not filled by the mapping (x)",
        ),
        (config(stream(columns=["x"])), "streams[0].key: 'id' is not among the columns (x)"),
        (
            config(stream(columns=["x"], mapping=[{"to": "id", "template": "{x}{y}"}])),
            "streams[0].mapping: 'y' is not among the columns (x)",
        ),
        (
            config(stream(mapping=[{"to": "id", "from": "a", "transforms": [{"op": "bounds"}]}])),
            "streams[0].mapping[0].transforms[0].min: one of min and max is needed",
        ),
        (
            config(stream(filters=[{"field": "x", "op": "1=1 OR", "value": 1}])),
            (
                "streams[0].filters[0].op: '1=1 OR' does not exist; choose eq, ne, lt, le, gt, ge, in, not_in, like, "
                "regex or is_null"
            ),
        ),
        (
            config(stream(filters=[{"field": "x", "op": "in", "value": "US"}])),
            "streams[0].filters[0].value: must be a list, not 'US'",
        ),
        (
            config(stream(filters=[{"field": "x", "op": "eq", "value": float("nan")}])),
            "streams[0].filters[0].value: must be a finite number",
        ),
        (
            config(stream(range={"start": "2026-02-30"}, window={"field": "d", "days": 1})),
            "streams[0].range.start: '2026-02-30' is not in the calendar",
        ),
        (
            config(stream(range={"start": "2026-02-03"})),
            "streams[0].range: a date range needs a window field, which a has not",
        ),
    ],
)
def test_a_mistake_is_named_with_its_path(data: Any, problem: str) -> None:
    with pytest.raises(SpecProblems) as caught:
        parse_streams(data)
    assert caught.value.problems == [problem]
    assert caught.value.as_failure()["class"] == "config"


def test_the_mistakes_of_all_streams_are_named_at_once() -> None:
    with pytest.raises(SpecProblems) as caught:
        parse_streams(config(stream(key=[]), stream(target="c", extent="window")))
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["streams[0].key", "streams[1].window"]


@pytest.mark.parametrize(
    ("guards", "problem"),
    [
        ({"max_delete_share": 5}, "guards.max_delete_share: must be at most 1, not 5"),
        ({"max_deletes": -1}, "guards.max_deletes: must be at least 0"),
        (
            {"max_delets": 1},
            (
                "guards: unknown setting 'max_delets'; known are max_delete_share, max_deletes, max_change_share, "
                "max_changes, min_source_rows, min_source_share and plan_days"
            ),
        ),
    ],
)
def test_a_wrong_guard_is_named(guards: dict[str, Any], problem: str) -> None:
    assert guard_problems(guards) == [problem]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23", date(2026, 11, 23)),
        (" 2026-11-23 ", date(2026, 11, 23)),
        ("2026-11-23T02:30", datetime(2026, 11, 23, 2, 30)),  # noqa: DTZ001
        ("2026-11-23 02:30:05Z", datetime(2026, 11, 23, 2, 30, 5, tzinfo=UTC)),
    ],
)
def test_days_and_times_are_told_apart(text: str, expected: date) -> None:
    assert parse_day_or_time(text) == expected
    assert type(parse_day_or_time(text)) is type(expected)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2026-02-30", "'2026-02-30' is not in the calendar"),
        ("10000-01-01", "'10000-01-01' lies beyond the year 9999"),
        ("0000-01-01", "'0000-01-01' is not in the calendar"),
        ("2026-11-23T25:00", "'2026-11-23T25:00' is no time such as 2026-11-23T02:30"),
        ("yesterday", "'yesterday' is neither a day such as 2026-11-23 nor a time such as 2026-11-23T02:30"),
        ("20261123", "'20261123' is neither a day such as 2026-11-23 nor a time such as 2026-11-23T02:30"),
        ("", "'' is neither a day such as 2026-11-23 nor a time such as 2026-11-23T02:30"),
        (1763856000, "1763856000 is neither a day such as 2026-11-23 nor a time such as 2026-11-23T02:30"),
    ],
)
def test_what_is_no_day_is_refused_in_words(text: object, problem: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        parse_day_or_time(text)
    assert str(caught.value) == problem


def ranged(start: str | None, end: str | None) -> StreamSpec:
    (spec,) = parse_streams(config(stream(range={"field": "d", "start": start, "end": end})))
    return spec


def test_the_window_begins_at_midnight_of_the_zone() -> None:
    (spec,) = parse_streams(config(stream(extent="window", window={"field": "d", "days": 30})))
    assert window_filters(spec, NOW, BERLIN) == (Filter("d", "ge", datetime(2026, 10, 25, tzinfo=BERLIN)),)
    assert window_filters(spec, NOW, UTC) == (Filter("d", "ge", datetime(2026, 10, 24, tzinfo=UTC)),)
    (full,) = parse_streams(config(stream(window={"field": "d", "days": 30})))
    assert window_filters(full, NOW, BERLIN) == ()


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # a bare end day belongs to the range, and the day of the autumn clock change has 25 hours
        ("2026-10-25", "2026-10-25", [("ge", "2026-10-24T22:00"), ("lt", "2026-10-25T23:00")]),
        ("2026-11-01", None, [("ge", "2026-10-31T23:00")]),
        (None, "2026-11-01", [("lt", "2026-11-01T23:00")]),
        (None, "9999-12-31", []),
        # an end with a time does not belong to it; a time without a zone is Berlin's
        ("2026-11-01T12:00", "2026-11-01T13:00Z", [("ge", "2026-11-01T11:00"), ("lt", "2026-11-01T13:00")]),
    ],
)
def test_an_explicit_range_becomes_conditions(
    start: str | None, end: str | None, expected: list[tuple[str, str]]
) -> None:
    found = window_filters(ranged(start, end), NOW, BERLIN)
    assert [item.field for item in found] == ["d"] * len(expected)
    utc_times = [(item.operator, item.value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")) for item in found]
    assert utc_times == expected


def test_an_explicit_range_goes_before_the_window() -> None:
    (spec,) = parse_streams(
        config(stream(extent="window", window={"field": "d", "days": 30}, range={"start": "2020-01-01"}))
    )
    assert spec.explicit_range == RangeSpec("d", date(2020, 1, 1), None)
    assert [item.value.year for item in window_filters(spec, NOW, UTC)] == [2020]


@pytest.mark.parametrize(
    ("start", "end"),
    [("2026-11-02", "2026-11-01"), ("2026-11-01T12:00", "2026-11-01T12:00"), ("2026-11-02", "2026-11-01T23:00Z")],
)
def test_a_range_that_ends_before_it_starts_is_refused(start: str, end: str) -> None:
    with pytest.raises(SpecProblems, match="the range is empty: its start"):
        window_filters(ranged(start, end), NOW, BERLIN)


DEFAULTS = config(
    stream(source="crashes", target="crashes", window={"field": "crash_date", "days": 30}),
    stream(source="people", target="people", window={"field": "crash_date", "days": 30}),
    stream(source="lookup", target="lookup"),
)


def test_a_run_can_be_limited_to_some_streams_a_range_and_a_batch_size() -> None:
    before = copy.deepcopy(DEFAULTS)
    limited = limit_streams(DEFAULTS, ["people", "crashes"], "2026-11-01", "2026-11-02", 100)
    assert before == DEFAULTS
    assert [item["source"] for item in limited["streams"]] == ["crashes", "people"]
    assert limited["streams"][0]["range"] == {"field": "crash_date", "start": "2026-11-01", "end": "2026-11-02"}
    crashes, people = parse_streams(limited)
    assert crashes.batch_size == people.batch_size == 100
    assert people.explicit_range == RangeSpec("crash_date", date(2026, 11, 1), date(2026, 11, 2))


def test_a_run_without_limits_has_the_types_own_streams() -> None:
    assert limit_streams(DEFAULTS, None, None, None, None) == DEFAULTS


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (
            {"endpoints": ["crashs"]},
            "endpoints: 'crashs' is not one of this type's streams; choose from crashes, people and lookup",
        ),
        ({"endpoints": []}, "endpoints: name at least one stream; choose from crashes, people and lookup"),
        ({"start": "2026-11-01"}, "streams[2].range: a date range needs a window field, which lookup has not"),
        (
            {"endpoints": ["people"], "start": "2026-02-30"},
            "streams[0].range.start: '2026-02-30' is not in the calendar",
        ),
        (
            {"endpoints": ["people"], "start": "2026-02-03", "end": "2026-02-01"},
            "people: the range is empty: its start 2026-02-03 is not before its end 2026-02-01",
        ),
        ({"batch_size": 0}, "streams[0].batch_size: must be at least 1"),
        (
            {"endpoints": ["people"], "start": "2026-11-25", "now": NOW},
            "people: the range starts in the future, at 2026-11-25",
        ),
    ],
)
def test_an_impossible_limit_is_refused_with_the_way_out(limits: dict[str, Any], problem: str) -> None:
    with pytest.raises(SpecProblems) as caught:
        limit_streams(DEFAULTS, **limits)
    assert caught.value.problems[0] == problem


def test_a_query_has_limits_of_its_own_and_the_key_that_its_columns_make() -> None:
    (table,) = parse_streams(config(stream()))
    assert (table.custom_query, table.max_rows, table.max_bytes) == (None, None, None)
    (query,) = parse_streams(config(stream(query="SELECT id FROM t", max_bytes=1000)))
    assert (query.max_rows, query.max_bytes, query.max_value_bytes) == (10_000_000, 1000, 16 * 1024**2)
    assert query.custom_query is not None
    assert (query.custom_query.text, query.custom_query.key) == ("SELECT id FROM t", ("id",))
    for origin, key in (({"from": "number"}, ("number",)), ({"template": "{a}-{b}"}, ())):
        (mapped,) = parse_streams(config(stream(query="SELECT 1 AS number", mapping=[{"to": "id"} | origin])))
        assert mapped.source_key == key


def test_a_wrong_query_or_partition_is_named() -> None:
    with pytest.raises(SpecProblems) as refused:
        parse_streams(config(stream(query="DELETE FROM t"), stream(target="c", query="SELECT 1; SELECT 2")))
    assert refused.value.problems == [
        "streams[0].query: it must begin with SELECT, WITH, VALUES or TABLE, not with DELETE",
        "streams[0].query: it may not change data (DELETE)",
        "streams[1].query: only one statement is allowed",
    ]
    with pytest.raises(SpecProblems, match="partition"):
        parse_streams(config(stream(partition={"field": "id", "rows": 99})))
