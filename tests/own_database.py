"""Lets a test, in this very process, keep Syncdeck's own rows on PostgreSQL instead of SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from config.settings import postgres_settings
from tests.faults.stack import migrated_database
from tests.postgres_server import PostgresServer


@contextmanager
def keeping_rows_on(server: PostgresServer) -> Iterator[None]:
    """Use a fresh, migrated database of the server."""
    url = server.create_database(template=migrated_database(server))
    try:
        with keeping_rows_at(url):
            yield
    finally:
        server.drop_database(url)


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
