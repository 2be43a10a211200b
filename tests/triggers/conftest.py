"""Where these tests keep their rows: in real transactions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncjobs.operations.watched_models import forget_watchers


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.django_db(transaction=True)), "postgresql"])
def committed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the test twice, on SQLite and on a PostgreSQL of its own; what it does is committed as in a program."""
    if request.param == "postgresql":
        request.getfixturevalue("rows_on_postgresql")
    forget_watchers()
    yield
    forget_watchers()
