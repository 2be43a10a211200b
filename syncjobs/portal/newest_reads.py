"""The newest job of each of many types, by an index for each however few jobs it has. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from syncjobs.querysets import JobQuerySet

TYPES_AT_ONCE = 100


def newest_of_types(jobs: JobQuerySet, types: Sequence[int]) -> list[int]:
    """The ids of the newest of `jobs` of each of these types, in one query for every hundred types.

    A subquery in the query of types would do, but PostgreSQL knows no type in it then, and for one of few jobs it walks
    back through all jobs.
    """
    found: list[int] = []
    for start in range(0, len(types), TYPES_AT_ONCE):
        found += _newest(jobs, types[start : start + TYPES_AT_ONCE])
    return found


def _newest(jobs: JobQuerySet, types: Sequence[int]) -> list[int]:
    parts: list[str] = []
    values: list[Any] = []
    for job_type in types:
        newest = jobs.filter(job_type=job_type).order_by("-id").values("id")[:1]
        text, given = newest.query.sql_with_params()
        parts.append(f"SELECT * FROM ({text}) AS newest")  # noqa: S608 - Django's own text, with its values apart
        values += given
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return [row[0] for row in cursor.fetchall()]
