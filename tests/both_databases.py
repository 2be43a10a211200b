"""The databases that tests of whole processes run on; SQLite only in `make faults`, where there is PostgreSQL."""

from __future__ import annotations

import pytest

from tests.postgres_server import find_binaries

# Where there is no PostgreSQL, SQLite is all there is, and `make test` does not leave it out.
_on_sqlite = [pytest.mark.on_sqlite_too] if find_binaries() else []
BOTH_DATABASES = [pytest.param("sqlite", marks=_on_sqlite), pytest.param("postgresql")]
