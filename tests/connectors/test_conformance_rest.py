"""Kind rest keeps the contract that all kinds share, whichever way its service turns pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import Connector
from connectors.records import Field
from connectors.rest import RestConnector
from connectors.testing import READING_FIELDS, READINGS, Connect, ConnectorContract, Row
from connectors.testing_samples import CITY_FIELDS
from tests.connectors.rest_service import RestService, rest_service, stream_settings


def sent(value: Any) -> Any:
    """A value as such services spell it."""
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


@pytest.fixture(scope="module")
def service() -> Iterator[RestService]:
    with rest_service() as running:
        yield running


class TestRestByOffset(ConnectorContract):
    """Of pages of 20 records, so that batches end within pages, too."""

    connector_class = RestConnector
    way = "offset"

    @pytest.fixture
    def connect(self, service: RestService) -> Connect:
        service.records.clear()
        self.service = service
        return lambda: self.connector("cities", CITY_FIELDS)

    @pytest.fixture
    def readings(self, connect: Connect) -> Iterator[Connector]:
        with closing(self.connector("readings", READING_FIELDS)) as connector:
            self.fill(connector, "readings", READING_FIELDS, ("code",), READINGS)
            yield connector

    def connector(self, stream: str, fields: Sequence[Field]) -> RestConnector:
        declared = [{"name": field.name, "type": field.type} for field in fields]
        settings = stream_settings(stream, self.way, key=["code"], fields=declared)
        return RestConnector("service", {"base_url": self.service.url, "streams": [settings]}, {})

    def fill(
        self, connector: Connector, stream: str, fields: Sequence[Field], key: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        names = [field.name for field in fields]
        self.service.records[stream] = [dict(zip(names, map(sent, row), strict=True)) for row in rows]


class TestRestByPage(TestRestByOffset):
    way = "page"


class TestRestByCursor(TestRestByOffset):
    way = "cursor"


class TestRestByLink(TestRestByOffset):
    way = "link"


class TestRestByNextUrl(TestRestByOffset):
    way = "next_url"


class TestRestOfOneAnswer(TestRestByOffset):
    way = "none"
