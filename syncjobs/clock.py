"""The clock that leases, schedules and events go by. Reads the time and nothing else."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.utils import timezone


def db_now() -> dt.datetime:
    """The database's time on PostgreSQL, so that workers with wrong clocks agree; the process's on SQLite."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM always has one row
    moment: dt.datetime = row[0]
    return moment


def moment_in_sql(after: dt.timedelta = dt.timedelta()) -> str:
    """The same clock as part of a statement that is sent anyway: when it is sent, or so long after."""
    if connection.vendor == "postgresql":
        return f"statement_timestamp() + interval '{after.total_seconds()} seconds'"
    return f"'{connection.ops.adapt_datetimefield_value(timezone.now() + after)}'"
