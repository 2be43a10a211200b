"""The single steps of the connection test of kind postgres. They change nothing at the server."""

from __future__ import annotations

import datetime as dt
import socket
import time

from connectors.checks import CheckStep, timed_step
from connectors.postgres_connecting import CONNECT_SECONDS
from connectors.postgres_session import Session
from connectors.sql_text import sql

LARGEST_SKEW_SECONDS = 5.0
FILE_ROLES = ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program")
POWERS = sql(
    "SELECT rolsuper, ARRAY(SELECT role FROM unnest($1::text[]) AS role WHERE pg_has_role(current_user, role, 'USAGE'))"
    " FROM pg_roles WHERE rolname = current_user"
)


def connect_step(address: str, port: int) -> CheckStep:
    """Whether anything listens there, apart from who it is."""
    started = time.perf_counter()
    try:
        socket.create_connection((address, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        fix = "Check host and port, that the server runs, and that no firewall stands between it and the worker."
        return timed_step("connect", started, f"{address}:{port}: {error.strerror or error}", ok=False, fix=fix)
    return timed_step("connect", started, f"{address}:{port} answers")


def tls_step(session: Session, host: str) -> CheckStep:
    """Whether the connection is encrypted; on this machine it need not be."""
    started = time.perf_counter()
    if session.connection.pgconn.ssl_in_use:
        return timed_step("TLS", started, "the connection is encrypted")
    is_local = host.startswith("/") or host in ("localhost", "127.0.0.1", "::1")
    fix = "" if is_local else "Set sslmode to require or verify-full, so that nobody on the way can read along."
    return timed_step("TLS", started, "the connection is not encrypted", fix=fix)


def privileges_step(session: Session) -> CheckStep:
    """A warning if the user may do everything."""
    started = time.perf_counter()
    fix = "Give the connector a user of its own with only the rights it needs."
    ((is_super, roles),) = session.fetch(POWERS, (list(FILE_ROLES),))
    if is_super:
        return timed_step("privileges", started, "the user is a superuser", fix=fix)
    if roles:
        message = f"the user may reach files and programs of the server ({', '.join(roles)})"
        return timed_step("privileges", started, message, fix=fix)
    return timed_step("privileges", started, "the user is no superuser")


def writing_step(session: Session, schema: str) -> CheckStep:
    """A warning if the user could not be used for a target."""
    started = time.perf_counter()
    rows = session.fetch(
        sql(
            "SELECT has_schema_privilege(n.oid, 'USAGE'), has_schema_privilege(n.oid, 'CREATE'),"
            " has_database_privilege(current_database(), 'TEMP'), pg_is_in_recovery()"
            " FROM pg_namespace AS n WHERE n.nspname = $1"
        ),
        (schema,),
    )
    if not rows or not rows[0][0]:
        fix = f"Create the schema, or grant usage on schema {schema} to the user."
        return timed_step("write rights", started, f"there is no schema {schema} to work in", ok=False, fix=fix)
    _, may_create, may_stage, is_standby = rows[0]
    lacks = [] if may_create else [f"creating tables in schema {schema}"]
    lacks += [] if may_stage else ["temporary tables"]
    lacks += ["writing, since the server is a standby"] if is_standby else []
    if lacks:
        fix = "Fine for a source; for a target grant these rights."
        return timed_step("write rights", started, f"the user lacks the right for {', '.join(lacks)}", fix=fix)
    return timed_step("write rights", started, f"the user may create and fill tables in schema {schema}")


def clock_step(session: Session) -> CheckStep:
    """How far the server's clock is from the worker's."""
    started = time.perf_counter()
    theirs = session.fetch(sql("SELECT clock_timestamp()"))[0][0]
    skew = (theirs - dt.datetime.now(dt.UTC)).total_seconds()
    message = f"the server's clock is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the worker's"
    if abs(skew) <= LARGEST_SKEW_SECONDS:
        return timed_step("clock skew", started, message)
    return timed_step("clock skew", started, message, fix="Let both machines keep their time by NTP.")
