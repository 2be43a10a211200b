"""One PostgreSQL database, and two threads that race in it, for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.own_database import keeping_rows_on
from tests.postgres_server import PostgresServer
from tests.races.arena import Arena, open_arena


@pytest.fixture(scope="module")
def arena(postgres_server: PostgresServer, django_db_blocker: DjangoDbBlocker) -> Iterator[Arena]:
    with django_db_blocker.unblock(), keeping_rows_on(postgres_server), open_arena() as opened:
        yield opened
