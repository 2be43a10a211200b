"""Kind files keeps the contract that all kinds share, in each of its formats."""

from pathlib import Path
from typing import ClassVar

import pytest

from connectors.files import FilesConnector
from connectors.testing import Connect, ConnectorContract
from tests.connectors.sql_systems import allow_files_below


class FilesContract(ConnectorContract):
    """In one folder of files of one format."""

    connector_class = FilesConnector

    format: ClassVar[str]

    @pytest.fixture
    def connect(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
        allow_files_below(tmp_path, monkeypatch)
        return lambda: FilesConnector("exports", {"root": "exports", "format": self.format}, {})


class TestCSV(FilesContract):
    """CSV files."""

    format = "csv"


class TestJSONLines(FilesContract):
    """JSON Lines files."""

    format = "jsonl"


class TestParquet(FilesContract):
    """Parquet files."""

    format = "parquet"
