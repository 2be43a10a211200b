"""Kind sqlite keeps the contract that all kinds share."""

from pathlib import Path

import pytest

from connectors.sqlite import SQLiteConnector
from connectors.testing import Connect
from connectors.testing_writing import WriterConformance
from tests.connectors.sql_systems import allow_files_below


class TestSQLite(WriterConformance):
    """On one file."""

    @pytest.fixture
    def connect(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
        allow_files_below(tmp_path, monkeypatch)
        return lambda: SQLiteConnector("warehouse", {"path": "warehouse.sqlite3"}, {})
