"""Kind files keeps the contract that all kinds share, in each of its formats."""

from pathlib import Path
from typing import ClassVar

import pytest

from connectors.files import FilesConnector
from connectors.testing import Connect
from connectors.testing_asides import AsideConformance
from connectors.testing_writing import WriterConformance
from tests.connectors.sql_systems import allow_files_below


class FilesConformance(AsideConformance, WriterConformance):
    """In one folder of files of one format."""

    format: ClassVar[str]

    @pytest.fixture
    def connect(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
        allow_files_below(tmp_path, monkeypatch)
        return lambda: FilesConnector("exports", {"root": "exports", "format": self.format}, {})


class TestCSV(FilesConformance):
    """CSV files."""

    format = "csv"


class TestJSONLines(FilesConformance):
    """JSON Lines files."""

    format = "jsonl"


class TestParquet(FilesConformance):
    """Parquet files."""

    format = "parquet"
