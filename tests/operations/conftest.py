"""Where a test of operations keeps Syncdeck's own rows."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.django_db), "postgresql"])
def either_database(request: pytest.FixtureRequest) -> None:
    """Run the test twice: on SQLite, and on a PostgreSQL of its own."""
    if request.param == "postgresql":
        request.getfixturevalue("rows_on_postgresql")
