"""Kinds that make given changes keep the contract that they share."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.applying import open_applier
from connectors.errors import ConfigError
from connectors.files import FilesConnector
from connectors.postgres import PostgresConnector
from connectors.soda import SodaConnector
from connectors.sqlite import SQLiteConnector
from connectors.testing import Connect
from connectors.testing_applying import REQUEST, ApplyingConformance
from tests.connectors.sql_systems import allow_files_below, postgres_config
from tests.postgres_server import PostgresServer


class TestSQLite(ApplyingConformance):
    """In one file."""

    @pytest.fixture
    def connect(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
        allow_files_below(tmp_path, monkeypatch)
        return lambda: SQLiteConnector("warehouse", {"path": "warehouse.sqlite3"}, {})


class TestPostgres(ApplyingConformance):
    """In one database."""

    @pytest.fixture
    def connect(self, postgres_server: PostgresServer, postgres_url: str) -> Connect:
        config, credentials = postgres_config(postgres_server, postgres_url)
        return lambda: PostgresConnector("warehouse", config, credentials)


class TestFiles(ApplyingConformance):
    """In one folder."""

    @pytest.fixture
    def connect(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
        allow_files_below(tmp_path, monkeypatch)
        return lambda: FilesConnector("exports", {"root": "exports", "format": "csv"}, {})


def test_kind_that_can_not_judge_its_records_says_so() -> None:
    soda = SodaConnector("open-data", {"base_url": "https://data.example.org", "datasets": {}}, {})
    with pytest.raises(ConfigError, match="not possible with a target of kind soda"):
        open_applier(soda, REQUEST)
