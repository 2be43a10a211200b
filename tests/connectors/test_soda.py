"""Kind `soda` against the sandbox over real HTTP, and against servers that answer what no portal should."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.errors import ConfigError, DataError, Interrupted, TransientError
from connectors.records import Field, Filter, ReadRequest
from connectors.sandbox.datasets import DatasetSpec
from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox, running_sandbox
from connectors.soda import SodaConnector
from connectors.surroundings import Interruption, Surroundings
from tests.connectors.scripted_server import reply, reply_json, scripted_server

PLACES = "plac-es01"
COLUMNS = {
    "code": "text",
    "name": "text",
    "size": "number",
    "opened": "calendar_date",
    "active": "checkbox",
    "place": "point",
}
ROWS: list[dict[str, object]] = [
    {
        "code": f"P{number:04d}",
        "name": f"Place {number} d'Or",
        "size": str(number),
        "opened": f"2026-07-{number % 28 + 1:02d}T10:00:00.000",
        "active": number % 2 == 0,
    }
    for number in range(2_500)
]


@pytest.fixture(scope="module")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    datasets = {"places": DatasetSpec(key=("code",), columns=COLUMNS, rows=ROWS, id=PLACES)}
    path = tmp_path_factory.mktemp("soda") / "sandbox.sqlite3"
    with running_sandbox(path, datasets=datasets, today=lambda: date(2026, 11, 23)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """The sandbox as it was at first, afterwards too."""
    yield shared_sandbox
    shared_sandbox.clear_faults()
    shared_sandbox.reset()


def soda(url: str, surroundings: Surroundings | None = None, token: str = "", **config: Any) -> SodaConnector:
    config = {"base_url": url, "datasets": {"places": PLACES}, "page_size": 1_000} | config
    return SodaConnector("portal", config, {"app_token": token} if token else {}, surroundings)


@pytest.fixture
def portal(sandbox: RunningSandbox) -> Iterator[SodaConnector]:
    with closing(soda(sandbox.url, time_zone="America/Chicago")) as connector:
        yield connector


def codes(connector: SodaConnector, **request: Any) -> list[str]:
    batches = connector.read(ReadRequest("places", columns=("code",), **request))
    return [row[0] for batch in batches for row in batch.rows]


def queries(sandbox: RunningSandbox, since: int = 0) -> list[dict[str, str]]:
    parsed = [parse_qs(urlsplit(request.target).query) for request in sandbox.requests[since:]]
    return [{name: values[0] for name, values in query.items()} for query in parsed if "$limit" in query]


def test_schema_has_our_types(portal: SodaConnector) -> None:
    schema = portal.schema("places")
    assert schema.fields == (
        Field("code", "text"),
        Field("name", "text"),
        Field("size", "decimal"),
        Field("opened", "datetime"),
        Field("active", "boolean"),
        Field("place", "json"),
    )
    assert schema.key == ()


def test_every_record_is_read_once_in_pages(sandbox: RunningSandbox, portal: SodaConnector) -> None:
    before = len(sandbox.requests)
    batches = list(portal.read(ReadRequest("places")))
    assert [len(batch.rows) for batch in batches] == [1_000, 1_000, 500]
    assert sorted(row[0] for batch in batches for row in batch.rows) == [str(row["code"]) for row in ROWS]
    assert all(batch.names == tuple(COLUMNS) for batch in batches)
    assert sum(batch.byte_count for batch in batches) > 100_000
    asked = queries(sandbox, before)
    assert all(query["$order"] == ":id" and "$offset" not in query for query in asked)
    assert asked[1]["$where"].startswith("(:id > '")


def test_portal_is_asked_by_statements_of_soda_3_as_far_as_it_has_come(sandbox: RunningSandbox) -> None:
    wanted = (Filter("active", "eq", True), Filter("name", "like", "%d'Or"))
    with closing(soda(sandbox.url, token="t0ken", api_version="3")) as portal:
        assert sorted(codes(portal, filters=wanted)) == [f"P{number:04d}" for number in range(0, 2_500, 2)]
        assert portal.count("places", wanted) == 1_250
    asked = [request for request in sandbox.requests if request.method == "POST"]
    assert {request.target for request in asked} == {f"/api/v3/views/{PLACES}/query.json"}


def test_what_soda_3_refuses_is_told_as_it_was_by_soda_2(sandbox: RunningSandbox) -> None:
    with closing(soda(sandbox.url, token="t0ken", api_version="3")) as portal:
        portal.schema("places")
        sandbox.set_faults(Fault("dropped_column", dataset="places", column="name"))
        with pytest.raises(DataError, match="name") as caught:
            list(portal.read(ReadRequest("places")))
    assert caught.value.code == "column_mismatch"


def test_soda_3_without_an_app_token_is_a_failed_step_of_the_test_that_says_so(sandbox: RunningSandbox) -> None:
    with closing(soda(sandbox.url, api_version="3")) as portal:
        step = list(portal.check())[-1]
    assert (step.name, step.ok) == ("log in", False)
    assert "takes an app token" in step.message
    assert "version 2" in step.fix


def test_values_are_passed_on_and_times_get_the_zone(portal: SodaConnector) -> None:
    record = portal.get("places", {"code": "P0003"})
    assert record is not None
    assert dict(record) == {
        "code": "P0003",
        "name": "Place 3 d'Or",
        "size": "3",
        "opened": "2026-07-04T10:00:00.000-05:00",
        "active": False,
        "place": None,
    }
    assert portal.get("places", {"code": "gone"}) is None


def test_reading_goes_on_after_a_position(portal: SodaConnector) -> None:
    first = next(iter(portal.read(ReadRequest("places", columns=("code",)))))
    rest = codes(portal, position=first.position)
    assert sorted([row[0] for row in first.rows] + rest) == [str(row["code"]) for row in ROWS]


def test_records_that_come_and_go_between_pages_shift_nothing(sandbox: RunningSandbox, portal: SodaConnector) -> None:
    pages = iter(portal.read(ReadRequest("places", columns=("code",), batch_size=500)))
    first = [row[0] for row in next(pages).rows]
    sandbox.delete_rows("places", first[:100])
    sandbox.change_rows("places", [{"code": f"N{number}", "name": "new"} for number in range(100)])
    rest = [row[0] for batch in pages for row in batch.rows]
    stable = {str(row["code"]) for row in ROWS}
    assert stable <= set(first + rest)
    assert len(first + rest) == len(set(first + rest))


@pytest.mark.parametrize(("wanted", "page"), [(100, 100), (1_000, 1_000), (50_000, 1_000)])
def test_batch_size_bounds_the_page(sandbox: RunningSandbox, portal: SodaConnector, wanted: int, page: int) -> None:
    before = len(sandbox.requests)
    assert len(next(iter(portal.read(ReadRequest("places", batch_size=wanted)))).rows) == page
    assert queries(sandbox, before)[0]["$limit"] == str(page)


def test_empty_stream_yields_nothing(portal: SodaConnector) -> None:
    assert list(portal.read(ReadRequest("places", filters=(Filter("code", "eq", "none"),)))) == []


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ((), 2_500),
        ((Filter("size", "lt", 10),), 10),
        ((Filter("size", "ge", 10), Filter("size", "lt", "20")), 10),
        ((Filter("name", "eq", "Place 7 d'Or"),), 1),
        ((Filter("name", "like", "Place 24__ d'Or"),), 100),
        ((Filter("code", "in", ["P0001", "P0002", "x"]),), 2),
        ((Filter("code", "not_in", ["P0001", "P0002"]),), 2_498),
        ((Filter("code", "in", []),), 0),
        ((Filter("active", "eq", True),), 1_250),
        ((Filter("place", "is_null", True),), 2_500),
        ((Filter("opened", "eq", "2026-07-01T15:00:00Z"),), 90),
        ((Filter("opened", "lt", "2026-07-01T15:00:00Z"),), 0),
    ],
)
def test_filters_hold_for_reading_and_counting(portal: SodaConnector, filters: tuple[Filter, ...], count: int) -> None:
    assert portal.count("places", filters) == count
    assert len(codes(portal, filters=filters)) == count


def test_filters_of_a_page_after_the_first_still_hold(portal: SodaConnector) -> None:
    found = codes(portal, filters=(Filter("size", "lt", 250),), batch_size=100)
    assert sorted(found) == [f"P{number:04d}" for number in range(250)]


def test_unknown_stream_and_column_are_named(portal: SodaConnector) -> None:
    with pytest.raises(ConfigError, match="portal has no stream 'nowhere'; it has places") as caught:
        portal.schema("nowhere")
    assert caught.value.code == "stream_not_found"
    with pytest.raises(DataError, match="places has no column 'cod'"):
        next(iter(portal.read(ReadRequest("places", columns=("cod",)))))


def test_missing_dataset_is_a_config_failure(sandbox: RunningSandbox) -> None:
    with closing(soda(sandbox.url, datasets={"places": "gone-0000"})) as connector:
        for ask in (connector.schema, connector.count):
            with pytest.raises(ConfigError, match="has no dataset gone-0000") as caught:
                ask("places")
            assert caught.value.code == "stream_not_found"


def test_schema_comes_from_headers_where_there_is_no_metadata() -> None:
    headers: dict[str, Any] = {
        "X-SODA2-Fields": '[":id","code","at",":@computed_region_x"]',
        "X-SODA2-Types": '["row_identifier","text","floating_timestamp","number"]',
    }
    rows = reply_json([{":id": "row-1", "code": "a", "at": "2026-07-01T00:00:00.000"}], **headers)
    with scripted_server(reply(404), rows) as server, closing(soda(server.url)) as connector:
        assert connector.schema("places").fields == (Field("code", "text"), Field("at", "datetime"))
        batch = next(iter(connector.read(ReadRequest("places"))))
    assert batch.rows == [("a", "2026-07-01T00:00:00.000+00:00")]


def test_system_and_computed_fields_are_left_out() -> None:
    columns = [
        {"fieldName": name, "dataTypeName": kind}
        for name, kind in [
            (":id", "meta_data"),
            ("a", "text"),
            (":@computed_region_1", "number"),
            ("b", "money"),
            ("c", "fixed_timestamp"),
            ("d", "url"),
            ("e", "something_new"),
        ]
    ]
    with scripted_server(reply_json({"columns": columns})) as server, closing(soda(server.url)) as connector:
        schema = connector.schema("places")
    assert [(field.name, field.type) for field in schema.fields] == [
        ("a", "text"),
        ("b", "decimal"),
        ("c", "datetime"),
        ("d", "json"),
        ("e", "text"),
    ]


def test_token_is_sent_and_a_wrong_one_refused(tmp_path: Path) -> None:
    datasets = {"places": DatasetSpec(key=("code",), columns=COLUMNS, rows=ROWS[:3], id=PLACES)}
    with running_sandbox(tmp_path / "s.sqlite3", datasets=datasets, app_token="right-token") as sandbox:
        with closing(soda(sandbox.url, token="right-token")) as connector:
            assert connector.count("places") == 3
        with closing(soda(sandbox.url, token="wrong-token")) as connector:
            with pytest.raises(ConfigError, match=r"credentials refused by 127\.0\.0\.1:\d+ \(403\)") as caught:
                connector.count("places")
            steps = list(connector.check())
    assert caught.value.code == "credentials_refused"
    assert [(step.name, step.ok) for step in steps] == [("resolve", True), ("connect", True), ("log in", False)]


def impatient(told: list[str]) -> Surroundings:
    return Surroundings(notify=lambda _level, message: told.append(message))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("rate_limited", on="rows", times=2, after=1, retry_after=0),
        Fault("server_error", on="rows", times=1, after=1, status=503),
        Fault("truncated", on="rows", times=1, after=1),
    ],
)
def test_faults_on_the_way_cost_a_retry_and_no_record(sandbox: RunningSandbox, fault: Fault) -> None:
    told: list[str] = []
    sandbox.set_faults(fault)
    with closing(soda(sandbox.url, impatient(told))) as connector:
        found = codes(connector)
        retries = connector.retries
    assert sorted(found) == [str(row["code"]) for row in ROWS]
    assert retries == fault.times == len(told)
    assert "retry 1/8 in" in told[0]


def test_column_dropped_between_pages_is_a_data_failure(sandbox: RunningSandbox, portal: SodaConnector) -> None:
    pages = iter(portal.read(ReadRequest("places")))
    next(pages)
    sandbox.set_faults(Fault("dropped_column", dataset="places", column="name"))
    with pytest.raises(DataError, match="No such column: name") as caught:
        next(pages)
    assert caught.value.code == "column_mismatch"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("html", on="rows"), "expected JSON, got text/html: '<!DOCTYPE html>"),
        (Fault("error_object", on="rows"), 'list of records of places: \'{"error": '),
        (Fault("error_object", on="rows", body=None), "list of records of places: 'null"),
        (Fault("error_object", on="rows", body=[1, 2]), r"list of records of places: '\[1, 2\]"),
        (Fault("error_object", on="rows", body=[{"code": "x"}]), "without their :id"),
    ],
)
def test_wrong_answers_never_pass_for_an_empty_success(
    sandbox: RunningSandbox, portal: SodaConnector, fault: Fault, text: str
) -> None:
    sandbox.set_faults(fault)
    with pytest.raises(ConfigError, match=text) as caught:
        codes(portal)
    assert caught.value.code == "protocol"


def test_count_that_is_none_is_refused(sandbox: RunningSandbox, portal: SodaConnector) -> None:
    sandbox.set_faults(Fault("error_object", on="rows", body=[]))
    with pytest.raises(ConfigError, match="did not answer with a count"):
        portal.count("places")


def test_server_that_ignores_the_position_does_not_loop() -> None:
    columns = {"columns": [{"fieldName": "code", "dataTypeName": "text"}]}
    page = reply_json([{":id": f"row-{number}", "code": "x"} for number in range(10)])
    with scripted_server(reply_json(columns), page) as server, closing(soda(server.url)) as connector:
        with pytest.raises(ConfigError, match="sent the same page of places twice"):
            codes(connector, batch_size=10)
        assert len(server.requests) == 3


def test_server_that_caps_its_pages_is_read_to_the_end() -> None:
    columns = {"columns": [{"fieldName": "code", "dataTypeName": "text"}]}
    full = reply_json([{":id": f"row-{number:05d}", "code": "x"} for number in range(1_000)])
    rest = reply_json([{":id": f"row-{number:05d}", "code": "x"} for number in range(1_000, 1_200)])
    with (
        scripted_server(reply_json(columns), full, rest) as server,
        closing(soda(server.url, page_size=10_000)) as portal,
    ):
        assert len(codes(portal)) == 1_200


def test_interruption_ends_the_wait_for_a_page(sandbox: RunningSandbox) -> None:
    interruption = Interruption()
    sandbox.set_faults(Fault("slow", on="rows", seconds=20, times=1))
    with closing(soda(sandbox.url, Surroundings(interruption))) as connector:
        threading.Timer(0.3, interruption.request, ["canceled"]).start()
        started = time.monotonic()
        with pytest.raises(Interrupted):
            codes(connector)
        assert time.monotonic() - started < 1.5


def test_check_passes_on_a_healthy_portal(portal: SodaConnector) -> None:
    steps = list(portal.check())
    assert [step.name for step in steps] == ["resolve", "connect", "log in", "read places", "clock"]
    assert all(step.ok for step in steps)
    assert "app token" in steps[2].fix


def test_check_stops_where_nothing_listens() -> None:
    with closing(soda("http://127.0.0.1:9")) as connector:
        steps = list(connector.check())
    assert [(step.name, step.ok) for step in steps] == [("resolve", True), ("connect", False)]
    assert "refused" in steps[1].message
    assert steps[1].fix


def test_check_stops_at_a_refused_address() -> None:
    with closing(soda("http://10.0.0.1")) as connector:
        steps = list(connector.check())
    assert [(step.name, step.ok) for step in steps] == [("resolve", False)]
    assert "SYNCDECK_NETWORK_ALLOW" in steps[0].fix


def test_check_goes_on_after_a_missing_dataset(sandbox: RunningSandbox) -> None:
    with closing(soda(sandbox.url, datasets={"gone": "gone-0000", "places": PLACES})) as connector:
        steps = {step.name: step for step in connector.check()}
    assert not steps["read gone"].ok
    assert steps["read places"].ok


def test_check_warns_of_a_clock_that_is_off() -> None:
    ok = reply_json([], Date="Mon, 23 Nov 2020 02:00:00 GMT")
    with scripted_server(ok) as server, closing(soda(server.url)) as connector:
        clock = list(connector.check())[-1]
    assert clock.ok
    assert "windows by date" in clock.fix


def test_soda_cannot_be_written_to(portal: SodaConnector) -> None:
    with pytest.raises(ConfigError, match="can only be read from"):
        portal.writer(None)  # type: ignore[arg-type]


def test_unreachable_portal_is_transient() -> None:
    with closing(soda("http://127.0.0.1:9", Surroundings())) as connector:
        connector.portal.http.tries = 1
        with pytest.raises(TransientError):
            connector.count("places")
