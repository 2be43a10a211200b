"""Triggers by which the database refuses to change or delete entries of the audit, whoever asks it.

Made after each migrate, since SQLite drops a table's triggers when a migration makes the table anew.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

from syncjobs.models.audit import AuditEvent

TABLE = AuditEvent._meta.db_table
REFUSAL = "the audit is append-only: its entries are never changed or deleted"
POSTGRESQL = f"""
CREATE OR REPLACE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND tgname = 'audit_is_append_only') THEN
        CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();
    END IF;
END $$
"""
SQLITE = {
    f"audit_is_append_only_{verb.lower()}": f"CREATE TRIGGER IF NOT EXISTS audit_is_append_only_{verb.lower()} "
    f"BEFORE {verb} ON {TABLE} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    for verb in ("UPDATE", "DELETE")
}
"""The statement that makes each trigger, by its name."""


def protect_audit(using: str = "default", **_signal: Any) -> None:
    """Make the triggers that are not there. Does nothing before the table is made."""
    connection = connections[using]
    if TABLE not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        for statement in SQLITE.values() if connection.vendor == "sqlite" else [POSTGRESQL]:
            cursor.execute(statement)
