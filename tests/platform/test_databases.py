"""Syncdeck's own database: the SQLite file as set up by default, and PostgreSQL by DATABASE_URL."""

import threading
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

from config.settings import postgres_settings
from tests.platform.test_environment import run_manage


def pragma(name: str) -> object:
    """Return a setting of the open SQLite connection."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_sqlite_writes_ahead_waits_for_locks_and_keeps_foreign_keys() -> None:
    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 1
    assert pragma("busy_timeout") == 20_000
    assert pragma("foreign_keys") == 1


@pytest.mark.django_db(transaction=True)
def test_two_transactions_that_read_before_they_write_wait_for_each_other() -> None:
    """With SQLite's deferred transactions the second would fail at once: the busy timeout does not cover upgrades."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS counter (n int)")
        cursor.execute("DELETE FROM counter")
        cursor.execute("INSERT INTO counter VALUES (0)")
    problems: list[BaseException] = []

    def count_up() -> None:
        try:
            for _ in range(20):
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SELECT n FROM counter")
                    (number,) = cursor.fetchone()
                    cursor.execute("UPDATE counter SET n = %s", [number + 1])
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM counter")
        (total,) = cursor.fetchone()
        cursor.execute("DROP TABLE counter")
    assert problems == []
    assert total == 80


def test_postgres_by_its_url_gets_every_table(postgres_url: str, tmp_path: Path) -> None:
    outcome = run_manage("migrate", "--verbosity", "0", DATABASE_URL=postgres_url, SYNCDECK_DATA_DIR=str(tmp_path))
    assert outcome.returncode == 0, outcome.stderr
    with psycopg.connect(postgres_url) as database:
        row = database.execute("SELECT count(*) FROM syncjobs_syncjob").fetchone()
    assert row == (0,)
    assert not (tmp_path / "syncdeck.sqlite3").exists()


def test_options_in_the_url_win_and_a_dead_server_is_noticed_soon() -> None:
    assert postgres_settings("postgresql://u:p@h/n")["OPTIONS"] == {"connect_timeout": 5}
    options = postgres_settings("postgresql://u:p@h/n?sslmode=require&connect_timeout=2")["OPTIONS"]
    assert options["sslmode"] == "require"
    assert int(options["connect_timeout"]) == 2
