"""Kind postgres keeps the contract that all kinds share."""

import pytest

from connectors.postgres import PostgresConnector
from connectors.testing import Connect, ConnectorContract
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer


class TestPostgres(ConnectorContract):
    """On one database."""

    connector_class = PostgresConnector

    @pytest.fixture
    def connect(self, postgres_server: PostgresServer, postgres_url: str) -> Connect:
        config, credentials = postgres_config(postgres_server, postgres_url)
        return lambda: PostgresConnector("warehouse", config, credentials)
