"""Kind files keeps the contract that all kinds share, in both formats."""

from pathlib import Path

import pytest

from connectors.files import FilesConnector
from connectors.testing import Connect
from connectors.testing_asides import AsideConformance
from connectors.testing_writing import WriterConformance
from tests.connectors.sql_systems import allow_files_below


class TestCSV(AsideConformance, WriterConformance):
    """In one folder of CSV files."""

    @pytest.fixture
    def connect(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
        allow_files_below(tmp_path, monkeypatch)
        return lambda: FilesConnector("exports", {"root": "exports", "format": "csv"}, {})


class TestJSONLines(AsideConformance, WriterConformance):
    """In one folder of JSON Lines files."""

    @pytest.fixture
    def connect(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
        allow_files_below(tmp_path, monkeypatch)
        return lambda: FilesConnector("exports", {"root": "exports", "format": "jsonl"}, {})
