"""A Syncdeck on SQLite, and one on PostgreSQL with a PostgreSQL target, both with a small slow source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.datasets import DatasetSpec
from connectors.sandbox.server import RunningSandbox, running_sandbox
from tests.both_databases import BOTH_DATABASES
from tests.faults.stack import Stack, database_urls
from tests.faults.things import THINGS, things_dataset

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stands here takes long, and runs in `make faults`."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.name != "test_faults_page.py":
            item.add_marker("faults")


@pytest.fixture
def source(tmp_path: Path) -> Iterator[RunningSandbox]:
    """A SODA source with the data sets `things`, of THINGS records, and `others`, of ten."""
    datasets: dict[str, DatasetSpec] = {"things": things_dataset(THINGS), "others": things_dataset(10)}
    with running_sandbox(tmp_path / "source.sqlite3", datasets=datasets) as sandbox:
        yield sandbox


@pytest.fixture(params=BOTH_DATABASES)
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """A Syncdeck without processes yet, its own database and its target of the same kind."""
    running = Stack(tmp_path / "data", **database_urls(request.param, request))
    try:
        yield running
    finally:
        running.stop()
