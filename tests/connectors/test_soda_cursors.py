"""Kind `soda` reads by a cursor as the contract says, and in a portal's own clock time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.errors import ConfigError
from connectors.records import CursorRequest, ReadRequest
from connectors.sandbox.datasets import DatasetSpec, four_by_four
from connectors.sandbox.server import RunningSandbox, running_sandbox
from connectors.soda import SodaConnector
from connectors.soql import FloatingTimes
from connectors.testing_cursors import READINGS
from tests.connectors.scripted_server import reply_json, scripted_server

COLUMNS = {"code": "text", "seen": "calendar_date", "number": "number", "amount": "number", "mark": "text"}
ROWS: list[dict[str, object]] = [
    {
        "code": code,
        "seen": seen and seen.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
        "number": number,
        "amount": amount and str(amount),
    }
    | {"mark": mark}
    for code, seen, _, number, amount, mark, _ in READINGS
]
DATASETS = {"readings": four_by_four("readings")}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    path: Path = tmp_path_factory.mktemp("soda") / "sandbox.sqlite3"
    dataset = DatasetSpec(key=("code",), columns=COLUMNS | {"on_duty": "checkbox"}, rows=ROWS)
    with running_sandbox(path, datasets={"readings": dataset}) as running:
        yield running


def soda(url: str, zone: str = "UTC") -> SodaConnector:
    return SodaConnector("portal", {"base_url": url, "datasets": DATASETS, "time_zone": zone}, {})


def test_cursor_of_a_portal_in_another_zone_goes_on_by_its_clock_on_the_wall(sandbox: RunningSandbox) -> None:
    with closing(soda(sandbox.url, "America/Chicago")) as portal:
        whole = list(portal.read(ReadRequest("readings", cursor=CursorRequest("seen"))))
        assert whole[-1].highest == "2020-02-28T22:00:00Z"
        rest = list(portal.read(ReadRequest("readings", cursor=CursorRequest("seen", whole[-1].highest))))
    assert sorted(row[0] for batch in rest for row in batch.rows) == sorted(row[0] for row in READINGS[80:100])


def test_start_in_the_hour_that_autumn_repeats_lies_before_that_hour() -> None:
    times = FloatingTimes(ZoneInfo("America/Chicago"))
    assert times.earliest(datetime(2020, 11, 1, 6, 50, tzinfo=UTC)) == datetime(2020, 11, 1, 0, 50)  # noqa: DTZ001
    assert times.earliest(datetime(2020, 11, 1, 7, 50, tzinfo=UTC)) == datetime(2020, 11, 1, 0, 50)  # noqa: DTZ001
    assert times.earliest(datetime(2020, 11, 1, 8, 10, tzinfo=UTC)) == datetime(2020, 11, 1, 2, 10)  # noqa: DTZ001
    assert times.earliest(datetime(2020, 3, 8, 8, 30, tzinfo=UTC)) == datetime(2020, 3, 8, 3, 30)  # noqa: DTZ001


def test_portal_that_leaves_the_cursor_out_is_refused() -> None:
    columns = reply_json({"columns": [{"fieldName": "code", "dataTypeName": "text"}]})
    with scripted_server(columns, reply_json([{":id": "row-1"}])) as server:
        request = ReadRequest("readings", cursor=CursorRequest("code"))
        with closing(soda(server.url)) as portal, pytest.raises(ConfigError, match="without code"):
            list(portal.read(request))
