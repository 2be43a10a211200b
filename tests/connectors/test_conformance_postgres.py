"""Kind postgres keeps the contract that all kinds share."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from connectors.base import Connector
from connectors.postgres import PostgresConnector
from connectors.testing import Connect
from connectors.testing_asides import AsideConformance
from connectors.testing_cursors import READING_FIELDS, READINGS, CursorConformance
from connectors.testing_writing import WriterConformance
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer


class TestPostgres(AsideConformance, WriterConformance, CursorConformance):
    """On one database."""

    @pytest.fixture
    def connect(self, postgres_server: PostgresServer, postgres_url: str) -> Connect:
        config, credentials = postgres_config(postgres_server, postgres_url)
        return lambda: PostgresConnector("warehouse", config, credentials)

    @pytest.fixture
    def readings(self, connect: Connect) -> Iterator[Connector]:
        with closing(connect()) as connector:
            self.fill(connector, "readings", READING_FIELDS, ("code",), READINGS)
            yield connector
