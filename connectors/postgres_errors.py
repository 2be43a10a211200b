"""What PostgreSQL's errors mean: one table by SQLSTATE, one of texts for connecting, where libpq gives no SQLSTATE.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re

import psycopg

from connectors.errors import ConfigError, DataError, InternalError, SyncError, TransientError
from connectors.sql_errors import CHECK, FOREIGN_KEY, MAPPING_HINT, NOT_NULL, UNIQUE, Meaning, Place

BY_ITSELF = "It is tried again by itself."
GRANT_HINT = "Have the database's owner grant this right to the connector's user."
CREDENTIALS_HINT = "Update the credentials and run a connection test; a password may also have expired."

CONNECTION_LOST = Meaning(
    TransientError, "connection_lost", "{where}: the connection to {address} was lost{what}", BY_ITSELF
)
CREDENTIALS_REFUSED = Meaning(
    ConfigError, "credentials_refused", "{where}: credentials refused by {address}", CREDENTIALS_HINT
)
DATABASE_NOT_FOUND = Meaning(
    ConfigError, "database_not_found", "{where}: {address} has no such database", "Correct the database's name."
)
BUSY_SERVER = Meaning(
    TransientError,
    "server_busy",
    "{where}: {address} takes no connection now ({what})",
    "It is tried again by itself; if this stays, allow more connections there.",
)
DISK_FULL = Meaning(
    TransientError, "disk_full", "{where}: no space left at {address}", "Make room on the server's disk, then retry."
)
OUT_OF_MEMORY = Meaning(
    TransientError,
    "out_of_memory",
    "{where}: {address} ran out of memory ({what})",
    "Choose a smaller batch size, or give the server more memory.",
)
INVALID_VALUE = Meaning(DataError, "invalid_value", "{who} has a value that does not fit: {what}", MAPPING_HINT)
OUT_OF_RANGE = Meaning(
    DataError, "out_of_range", "{who} has a number or time that is too large for the target: {what}", MAPPING_HINT
)
QUERY_FAILED = Meaning(
    ConfigError, "query_failed", "{where}: the statement cannot be run: {what}", "Correct the mapping, key or filters."
)
UNKNOWN = Meaning(InternalError, "postgres_error", "{where}: PostgreSQL refused a statement: {what}")

CONNECT_TIMEOUT = Meaning(
    TransientError,
    "connect_timeout",
    "{where}: {address} did not answer within 20 s",
    "Look for a firewall between the worker ({what}) and that host.",
)

STATES: dict[str, Meaning] = {
    "23502": NOT_NULL,
    "23505": UNIQUE,
    "23P01": UNIQUE,
    "23503": FOREIGN_KEY,
    "23514": CHECK,
    "22001": Meaning(DataError, "value_too_long", "{who} has a text that is too long for {what}", MAPPING_HINT),
    "22003": OUT_OF_RANGE,
    "22008": OUT_OF_RANGE,
    "2201B": Meaning(
        ConfigError,
        "bad_filter",
        "{where}: the regular expression of a filter is not understood",
        "Correct the filter.",
    ),
    "22025": Meaning(
        ConfigError, "bad_filter", "{where}: the pattern of a like filter ends in a backslash", "Correct the filter."
    ),
    "40001": Meaning(TransientError, "serialization", "{where}: others changed the same rows meanwhile", BY_ITSELF),
    "40P01": Meaning(TransientError, "deadlock", "{where}: deadlock with another session", BY_ITSELF),
    "55P03": Meaning(
        TransientError,
        "lock_timeout",
        "{where}: the table is locked{what} for over 30 s",
        "It is tried again by itself; see who holds the lock in pg_stat_activity.",
    ),
    "57014": Meaning(
        TransientError, "statement_canceled", "{where}: the server stopped a statement ({what})", BY_ITSELF
    ),
    "57P03": BUSY_SERVER,
    "53300": BUSY_SERVER,
    "53100": DISK_FULL,
    "53200": OUT_OF_MEMORY,
    "54000": QUERY_FAILED,
    "42501": Meaning(ConfigError, "insufficient_privilege", "{where}: {what}", GRANT_HINT),
    "42703": Meaning(
        DataError, "column_mismatch", "{where}: {what}", "The table has changed: correct the mapping, then retry."
    ),
    "42P01": Meaning(
        ConfigError, "stream_not_found", "{where}: {what}", "Correct the stream's name, or create the table."
    ),
    "3F000": Meaning(ConfigError, "schema_not_found", "{where}: {what}", "Correct the schema, or create it."),
    "25006": Meaning(
        ConfigError, "read_only", "{where}: {address} can only be read from", "Name the primary server as the target."
    ),
    "428C9": Meaning(DataError, "column_mismatch", "{where}: {what}", "Leave generated columns out of the mapping."),
    "28P01": CREDENTIALS_REFUSED,
    "28000": CREDENTIALS_REFUSED,
    "3D000": DATABASE_NOT_FOUND,
}
CLASSES: dict[str, Meaning] = {
    "08": CONNECTION_LOST,
    "22": INVALID_VALUE,
    "23": CHECK,
    "40": STATES["40001"],
    "42": QUERY_FAILED,
    "44": CHECK,
    "53": OUT_OF_MEMORY,
    "57": CONNECTION_LOST,
    "58": Meaning(TransientError, "io_error", "{where}: {address} could not read or write its files: {what}"),
    "P0": Meaning(DataError, "trigger", "{who} was refused by a trigger of the target: {what}", MAPPING_HINT),
}
CONNECTING: tuple[tuple[str, Meaning], ...] = (
    ("password authentication failed", CREDENTIALS_REFUSED),
    ("no password supplied", CREDENTIALS_REFUSED),
    ("authentication failed", CREDENTIALS_REFUSED),
    (
        "no pg_hba.conf entry",
        Meaning(
            ConfigError,
            "credentials_refused",
            "{where}: {address} lets this user not in from here",
            "Add the worker's address to the server's pg_hba.conf, and see that sslmode is what it asks for.",
        ),
    ),
    ("too many", BUSY_SERVER),
    ("connection slots", BUSY_SERVER),
    ("starting up", BUSY_SERVER),
    ("shutting down", BUSY_SERVER),
    ("recovery mode", BUSY_SERVER),
    ("not yet accepting", BUSY_SERVER),
    ("terminating connection", BUSY_SERVER),
    (
        "ssl",
        Meaning(
            ConfigError,
            "tls_failed",
            "{where}: no encrypted connection to {address}: {what}",
            "Choose another sslmode, or set up TLS at the server.",
        ),
    ),
    (
        "certificate",
        Meaning(
            ConfigError,
            "tls_failed",
            "{where}: the certificate of {address} is not accepted: {what}",
            "Give the server a certificate for this name, or choose another sslmode.",
        ),
    ),
    ("timeout expired", CONNECT_TIMEOUT),
    ("fatal:", Meaning(ConfigError, "login_refused", "{where}: {address} refuses the login: {what}", CREDENTIALS_HINT)),
)
UNREACHABLE = Meaning(
    TransientError,
    "unreachable",
    "{where}: {address} cannot be reached: {what}",
    "Check host and port, and that the server runs; it is tried again by itself.",
)


def connect_error(error: psycopg.Error, place: Place, own_address: str) -> SyncError:
    """Our error for a connection that did not come about; `own_address` is the worker's, for the timeout's hint."""
    text = str(error).lower()
    if "does not exist" in text and "fatal:" in text:
        return (DATABASE_NOT_FOUND if "database" in text else CREDENTIALS_REFUSED).at(place)
    meaning = next((meaning for part, meaning in CONNECTING if part in text), UNREACHABLE)
    return meaning.at(place, own_address if meaning is CONNECT_TIMEOUT else first_line(str(error)))


def translated(error: psycopg.Error, place: Place, *, is_connected: bool) -> SyncError:
    """Our error for one of a statement. Texts that name rows' values stay out: they may be anybody's data."""
    state = error.sqlstate or ""
    if not state:
        if not is_connected or isinstance(error, psycopg.OperationalError):
            return CONNECTION_LOST.at(place)
        return (INVALID_VALUE if isinstance(error, psycopg.DataError) else UNKNOWN).at(place, first_line(str(error)))
    meaning = STATES.get(state) or CLASSES.get(state[:2], UNKNOWN)
    return meaning.at(place, _what(meaning, error))


def _what(meaning: Meaning, error: psycopg.Error) -> str:
    diagnosis = error.diag
    if meaning in (NOT_NULL, CHECK):
        return diagnosis.column_name or diagnosis.constraint_name or first_line(diagnosis.message_primary or "")
    if meaning is UNIQUE:
        columns = re.search(r"\((.*?)\)=\(", diagnosis.message_detail or "")
        name = f" ({diagnosis.constraint_name})" if diagnosis.constraint_name else ""
        return f"{columns[1] if columns else 'a value'}{name}"
    if meaning is FOREIGN_KEY:
        return f" {diagnosis.constraint_name}"
    if meaning is CONNECTION_LOST or meaning is STATES["55P03"]:
        return ""
    return first_line(diagnosis.message_primary or str(error))


def first_line(text: str) -> str:
    """The first line, without libpq's repeated introductions."""
    line = text.strip().partition("\n")[0]
    return re.sub(r"^(connection failed: )?(connection to server [^:]*failed: )?", "", line)[:300]
