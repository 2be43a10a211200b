"""Where the tests of SQL connectors find their systems."""

from pathlib import Path
from typing import Any

import pytest

from connectors import paths
from tests.postgres_server import PostgresServer


def allow_files_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the folder the data directory of this test."""
    monkeypatch.setattr(paths, "_roots", ())
    monkeypatch.setattr(paths, "_reserved", frozenset())
    paths.configure(folder)


def postgres_config(server: PostgresServer, url: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Settings and credentials of a connector to one of the server's databases."""
    config = {"host": server.host, "port": server.port, "dbname": url.rpartition("/")[2], "user": server.user}
    return config, {"password": server.password}
