"""Kind sqlite keeps the contract that all kinds share."""

from pathlib import Path

import pytest

from connectors.sqlite import SQLiteConnector
from connectors.testing import Connect, ConnectorContract
from tests.connectors.sql_systems import allow_files_below


class TestSQLite(ConnectorContract):
    """On one file."""

    connector_class = SQLiteConnector

    @pytest.fixture
    def connect(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
        allow_files_below(tmp_path, monkeypatch)
        return lambda: SQLiteConnector("warehouse", {"path": "warehouse.sqlite3"}, {})
