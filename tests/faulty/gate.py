"""Lets a hook wait for as long as a test likes: while a file in the data directory says so. Knows nothing of jobs."""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings
from django.db import connection

LONGEST_SECONDS = 60
COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT max(i) FROM n"
STATEMENTS = {"postgresql": f"SELECT pg_sleep({LONGEST_SECONDS})", "sqlite": COUNT}


def gate() -> Path:
    """The file; while it is there, hooks wait."""
    return Path(settings.SYNCDECK_DATA_DIR) / "gate"


def wait_in(how: str) -> None:
    """Wait in `sql`, by one statement in Syncdeck's own database, or in `python`, deaf to every wish to stop."""
    if how == "sql" and gate().exists():
        with connection.cursor() as cursor:
            cursor.execute(STATEMENTS[connection.vendor])
    give_up = time.monotonic() + LONGEST_SECONDS
    while how == "python" and gate().exists() and time.monotonic() < give_up:
        time.sleep(0.05)
