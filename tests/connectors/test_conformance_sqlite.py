"""Kind sqlite keeps the contract that all kinds share."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors.base import Connector
from connectors.sqlite import SQLiteConnector
from connectors.testing import Connect
from connectors.testing_asides import AsideConformance
from connectors.testing_cursors import READING_FIELDS, READINGS, CursorConformance
from connectors.testing_writing import WriterConformance
from tests.connectors.sql_systems import allow_files_below


class TestSQLite(AsideConformance, WriterConformance, CursorConformance):
    """On one file."""

    @pytest.fixture
    def connect(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
        allow_files_below(tmp_path, monkeypatch)
        return lambda: SQLiteConnector("warehouse", {"path": "warehouse.sqlite3"}, {})

    @pytest.fixture
    def readings(self, connect: Connect) -> Iterator[Connector]:
        with closing(connect()) as connector:
            self.fill(connector, "readings", READING_FIELDS, ("code",), READINGS)
            yield connector
