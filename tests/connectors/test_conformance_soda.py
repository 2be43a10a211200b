"""Kind soda keeps the contract that all kinds share, as far as a portal knows types and keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest

from connectors.base import Connector
from connectors.records import Field
from connectors.sandbox.datasets import DatasetSpec, four_by_four
from connectors.sandbox.server import RunningSandbox, running_sandbox
from connectors.soda import SodaConnector
from connectors.testing import READING_FIELDS, READINGS, Connect, ConnectorContract, Row
from connectors.testing_samples import CITY_FIELDS

SOCRATA = {
    "text": "text",
    "bigint": "number",
    "integer": "number",
    "decimal": "number",
    "date": "calendar_date",
    "datetime": "calendar_date",
    "boolean": "checkbox",
}


def dataset(fields: Sequence[Field]) -> DatasetSpec:
    return DatasetSpec(key=("code",), columns={field.name: SOCRATA[field.type] for field in fields}, rows=[])


def sent(value: Any) -> Any:
    """A value as a portal keeps it: its times have no zone, here that of UTC."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00.000"
    return value if value is None or isinstance(value, bool | str) else str(value)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    path = tmp_path_factory.mktemp("soda") / "sandbox.sqlite3"
    datasets = {"cities": dataset(CITY_FIELDS), "readings": dataset(READING_FIELDS)}
    with running_sandbox(path, datasets=datasets) as sandbox:
        yield sandbox


class TestSoda(ConnectorContract):
    """On the sandbox over HTTP."""

    connector_class = SodaConnector
    types = {"integer": "decimal", "date": "datetime"}
    tells_keys = False
    api_version = "2"

    @pytest.fixture
    def connect(self, running: RunningSandbox) -> Connect:
        running.reset()
        self.sandbox = running
        return lambda: self.portal("cities")

    @pytest.fixture
    def readings(self, connect: Connect) -> Iterator[Connector]:
        with closing(self.portal("readings")) as portal:
            self.fill(portal, "readings", READING_FIELDS, ("code",), READINGS)
            yield portal

    def portal(self, stream: str) -> SodaConnector:
        config = {"base_url": self.sandbox.url.rstrip("/"), "datasets": {stream: four_by_four(stream)}}
        return SodaConnector(
            "portal", config | {"api_version": self.api_version}, {"app_token": "nobody's in particular"}
        )

    def fill(
        self, connector: Connector, stream: str, fields: Sequence[Field], key: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        names = [field.name for field in fields]
        self.sandbox.change_rows(stream, [dict(zip(names, map(sent, row), strict=True)) for row in rows])


class TestSoda3(TestSoda):
    """The same, asked by statements."""

    api_version = "3"
