"""What SQLite's errors mean: one table from its result codes to our classes. https://www.sqlite.org/rescode.html"""

from __future__ import annotations

import sqlite3

from connectors.errors import ConfigError, DataError, InternalError, SyncError, TransientError
from connectors.sql_errors import CHECK, FOREIGN_KEY, MAPPING_HINT, NOT_NULL, UNIQUE, Meaning, Place

CONSTRAINTS: dict[str, Meaning] = {
    "SQLITE_CONSTRAINT_NOTNULL": NOT_NULL,
    "SQLITE_CONSTRAINT_UNIQUE": UNIQUE,
    "SQLITE_CONSTRAINT_PRIMARYKEY": UNIQUE,
    "SQLITE_CONSTRAINT_ROWID": UNIQUE,
    "SQLITE_CONSTRAINT_FOREIGNKEY": FOREIGN_KEY,
    "SQLITE_CONSTRAINT_CHECK": CHECK,
    "SQLITE_CONSTRAINT_DATATYPE": Meaning(
        DataError, "invalid_value", "{who} has a value of a wrong type: {what}", MAPPING_HINT
    ),
}
OTHER_CONSTRAINT = Meaning(DataError, "constraint", "{who} breaks a rule of the target: {what}", MAPPING_HINT)

LOCKED = Meaning(
    TransientError,
    "locked",
    "{where}: another program has kept the database {address} locked for over 20 s",
    "It is tried again by itself; see which program writes to this file.",
)
DISK_FULL = Meaning(
    TransientError, "disk_full", "{where}: no space left for {address}", "Make room on that disk, then retry."
)
CANNOT_OPEN = Meaning(
    ConfigError,
    "cannot_open",
    "{where}: cannot open {address}",
    "Check that file and folder exist and that the worker's user may read and write both.",
)
READ_ONLY = Meaning(
    ConfigError,
    "read_only",
    "{where}: {address} or its folder may not be written to",
    "Give the worker's user the right to write both the file and its folder.",
)
NOT_A_DATABASE = Meaning(
    ConfigError,
    "not_a_database",
    "{where}: {address} is not an SQLite database",
    "Name the right file; one that is damaged has to be restored from a backup.",
)
RESULTS: dict[int, Meaning] = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_IOERR: Meaning(TransientError, "io_error", "{where}: reading or writing {address} failed: {what}"),
    sqlite3.SQLITE_NOMEM: Meaning(
        TransientError, "out_of_memory", "{where}: out of memory", "Choose a smaller batch size."
    ),
    sqlite3.SQLITE_CANTOPEN: CANNOT_OPEN,
    sqlite3.SQLITE_PERM: CANNOT_OPEN,
    sqlite3.SQLITE_AUTH: CANNOT_OPEN,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_NOTADB: NOT_A_DATABASE,
    sqlite3.SQLITE_CORRUPT: NOT_A_DATABASE,
    sqlite3.SQLITE_TOOBIG: Meaning(DataError, "value_too_long", "{who} is too big for the target", MAPPING_HINT),
    sqlite3.SQLITE_MISMATCH: Meaning(DataError, "invalid_value", "{who} has a value of a wrong type", MAPPING_HINT),
}
TEXTS: dict[str, Meaning] = {
    "no such table": Meaning(
        ConfigError, "stream_not_found", "{where}: {what}", "Correct the stream's name, or create the table."
    ),
    "no such column": Meaning(
        DataError, "column_mismatch", "{where}: {what}", "The table has changed: correct the mapping."
    ),
    "user-defined function raised": Meaning(
        ConfigError,
        "bad_filter",
        "{where}: the regular expression of a filter is not understood",
        "Correct the filter.",
    ),
    "cannot INSERT into generated": Meaning(
        DataError, "column_mismatch", "{where}: {what}", "Leave computed columns out of the mapping."
    ),
    "cannot modify": Meaning(ConfigError, "read_only", "{where}: {what}", "Name a table; a view cannot be written to."),
}
UNKNOWN = Meaning(InternalError, "sqlite_error", "{where}: SQLite refused a statement: {what}")


def translated(error: sqlite3.Error, place: Place) -> SyncError:
    """Our error for one of SQLite's."""
    meaning = _meaning(error)
    text = str(error)
    what = text.partition(": ")[2] if "constraint failed: " in text else text
    what = ", ".join(_column(part, place) for part in what.split(", "))
    return meaning.at(place, "" if meaning is FOREIGN_KEY else what)


def _column(text: str, place: Place) -> str:
    """`table.column` without the table, be it the stream's or one that is to replace it."""
    if text.startswith("_syncdeck_load_"):
        return text.partition(".")[2]
    return text.removeprefix(f"{place.stream}.")


def _meaning(error: sqlite3.Error) -> Meaning:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_CONSTRAINT:
        return CONSTRAINTS.get(error.sqlite_errorname, OTHER_CONSTRAINT)
    if code in RESULTS:
        return RESULTS[code]
    return next((meaning for start, meaning in TEXTS.items() if start in str(error)), UNKNOWN)
