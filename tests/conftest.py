"""Fixtures for every area: a private PostgreSQL and a real broker. Both are real servers, started on demand."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from pytest_django.plugin import DjangoDbBlocker

from syncjobs.supervision import broker as embedded
from tests.emptying import use_after_tests_that_commit
from tests.faults.stack import migrated_file
from tests.forgetting import forgetting_secrets, knows_secrets
from tests.own_database import keeping_rows_on
from tests.postgres_server import PostgresServer, find_binaries


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> None:
    use_after_tests_that_commit()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Begin with the file that is there: a copy of a migrated one, which is quicker than migrating."""
    return True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Put that file in place, once its name is known."""
    shutil.copy(migrated_file(), settings.DATABASES["default"]["TEST"]["NAME"])


@pytest.fixture(autouse=True)
def secrets_of_others_forgotten() -> Iterator[None]:
    """Forget the secrets of a test after it: thousands of them would slow down every text, and every new secret."""
    with forgetting_secrets():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow ones, which mostly wait, in two of the four shares that test processes begin with."""
    slow = [item for item in items if "slow" in item.keywords]
    quick = [item for item in items if "slow" not in item.keywords]
    middle = max(0, len(items) // 2 - len(slow[::2]))
    items[:] = [*slow[::2], *quick[:middle], *slow[1::2], *quick[middle:]]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Under CI, name what failed at once: a run that is cut off never comes to its summary."""
    if report.failed and os.environ.get("CI") == "true" and "PYTEST_XDIST_WORKER" not in os.environ:
        sys.stdout.write(f"\n{report.nodeid} failed:\n{report.longreprtext[-2000:]}\n")
        sys.stdout.flush()


def pytest_collection_finish() -> None:
    """A secret made while modules load, say as a parameter, would be looked for in every text of all tests."""
    if knows_secrets():
        raise pytest.UsageError("A test module makes a connector with a secret while it loads; make it in the test.")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL server. Skips where none is installed, which is an error under CI."""
    binaries = find_binaries()
    if binaries is None:
        message = "NO POSTGRESQL TESTS: no server binaries in /usr/lib/postgresql/*/bin or on PATH; install postgresql."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    server = PostgresServer(binaries)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    url = postgres_server.create_database()
    try:
        yield url
    finally:
        postgres_server.drop_database(url)


@pytest.fixture
def rows_on_postgresql(postgres_server: PostgresServer, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Syncdeck's own database is a fresh PostgreSQL one, for this test. Not to be had together with `db`."""
    with django_db_blocker.unblock(), keeping_rows_on(postgres_server):
        yield


class Broker:
    """The embedded broker of a data directory, to be stopped and started at will."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.url = embedded.socket_url(data_dir)
        self.start()

    def start(self) -> None:
        """Start it; what it kept on disk is there again."""
        self.process = embedded.start_broker(self.data_dir)

    def stop(self) -> None:
        """Stop it."""
        embedded.stop_broker(self.process, self.data_dir)


@pytest.fixture
def broker(settings: LazySettings) -> Iterator[Broker]:
    """A real, empty broker where this process's Celery application looks for it."""
    running = Broker(settings.SYNCDECK_DATA_DIR)
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(running.data_dir / "broker", ignore_errors=True)
