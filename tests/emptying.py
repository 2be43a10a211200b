"""Empties the database after a test that commits, in a fraction of the time that Django's flush takes.

That empties every table and then makes content types and permissions anew. Here these stay, since no test changes any,
and only tables that hold rows are emptied. The audit's triggers, which refuse that on SQLite, are put aside meanwhile.
"""

from __future__ import annotations

from functools import cache

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection
from django.test import TransactionTestCase

from syncjobs.models import AuditEvent
from syncjobs.models.append_only import SQLITE, protect_audit

STAY = {model._meta.db_table for model in (ContentType, Permission)}


def empty_tables(_case: TransactionTestCase) -> None:
    """Delete all rows that tests make."""
    with connection.cursor() as cursor:
        cursor.execute(_used_tables())
        used = [name for (name,) in cursor.fetchall()]
        is_protected = connection.vendor == "sqlite" and AuditEvent._meta.db_table in used
        for trigger in SQLITE if is_protected else ():
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    if used:
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), used, allow_cascade=True))
    if is_protected:
        protect_audit()


@cache
def _used_tables() -> str:
    """The query for the names of tables that hold rows."""
    names = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - STAY
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in sorted(names))  # noqa: S608


def use_after_tests_that_commit() -> None:
    """Have Django's TransactionTestCase, which pytest-django uses for them, empty tables in this way."""
    TransactionTestCase._fixture_teardown = empty_tables  # type: ignore[attr-defined]
