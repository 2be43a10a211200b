"""Lets a test, in this very process, keep Syncdeck's own rows on PostgreSQL instead of SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from config.settings import postgres_settings
from tests.emptying import empty_tables
from tests.faults.stack import migrated_database
from tests.postgres_server import LEAVE, PostgresServer

MADE = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
ORDER BY 1
"""


@contextmanager
def keeping_rows_on(server: PostgresServer) -> Iterator[None]:
    """Use a migrated database of the server without rows: one that was emptied, or else a copy, which takes longer."""
    url = server.migrated.pop() if server.migrated else server.create_database(template=migrated_database(server))
    is_empty = False
    try:
        with keeping_rows_at(url):
            made = _made()
            yield
            is_empty = _is_emptied(made)
    finally:
        if is_empty:
            server.migrated.append(url)
        else:
            server.drop_database(url)


def _is_emptied(made: list[str]) -> bool:
    """Whether the database is as it was at first. If a test changed more than rows it is not tried."""
    with connections["default"].cursor() as cursor:
        cursor.execute(LEAVE)
    if _made() != made:
        return False
    empty_tables(reset_sequences=True)
    return True


def _made() -> list[str]:
    """Names of tables, indexes, triggers and functions."""
    with connections["default"].cursor() as cursor:
        cursor.execute(MADE)
        return [name for (name,) in cursor.fetchall()]


@contextmanager
def keeping_rows_at(url: str) -> Iterator[None]:
    """Use the migrated PostgreSQL database at `url` as `default`, in this thread and in those begun meanwhile.

    Threads close their own connections, as ever.
    """
    before, wrapper = connections.settings["default"], connections["default"]
    connections.settings |= connections.configure_settings({"default": postgres_settings(url)})
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"], connections["default"] = before, wrapper
