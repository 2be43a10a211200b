"""What SQLite's errors mean: one table from its result codes to our classes. https://www.sqlite.org/rescode.html"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from connectors.errors import ConfigError, DataError, InternalError, SyncError, TransientError

EDIT_MAPPING = "Correct the mapping, or let the target's column take such values."


@dataclass(frozen=True, slots=True)
class Place:
    """What a statement was about: the connector, its stream and, if it is known, the record."""

    slug: str
    path: str
    stream: str = ""
    record: str = ""

    @property
    def who(self) -> str:
        """`airports: record icao=KJFK`, or as much of it as is known."""
        return f"{self.stream}: record {self.record}" if self.record else f"{self.stream}: a record"

    @property
    def where(self) -> str:
        return f"{self.slug}: {self.stream}" if self.stream else self.slug


@dataclass(frozen=True, slots=True)
class Meaning:
    """The class, code, text and hint of a result code; texts may hold {who}, {where}, {path} and {what}."""

    error: type[SyncError]
    code: str
    text: str
    hint: str = ""


CONSTRAINTS: dict[str, Meaning] = {
    "SQLITE_CONSTRAINT_NOTNULL": Meaning(
        DataError,
        "not_null",
        "{who} has no {what}, which the target requires",
        "Map a value, or let the target's column be empty.",
    ),
    "SQLITE_CONSTRAINT_UNIQUE": Meaning(
        DataError,
        "unique",
        "{who} repeats {what}, which is unique in the target",
        "Use the unique columns as key, or mend the source.",
    ),
    "SQLITE_CONSTRAINT_FOREIGNKEY": Meaning(
        DataError,
        "foreign_key",
        "{who} refers to a record that the target does not have (foreign key constraint)",
        "Sync the table it refers to first.",
    ),
    "SQLITE_CONSTRAINT_CHECK": Meaning(
        DataError, "check", "{who} breaks the target's check constraint {what}", EDIT_MAPPING
    ),
    "SQLITE_CONSTRAINT_DATATYPE": Meaning(
        DataError, "invalid_text", "{who} has a value of a wrong type: {what}", EDIT_MAPPING
    ),
}
CONSTRAINTS["SQLITE_CONSTRAINT_PRIMARYKEY"] = CONSTRAINTS["SQLITE_CONSTRAINT_UNIQUE"]
CONSTRAINTS["SQLITE_CONSTRAINT_ROWID"] = CONSTRAINTS["SQLITE_CONSTRAINT_UNIQUE"]
OTHER_CONSTRAINT = Meaning(DataError, "constraint", "{who} breaks a rule of the target: {what}", EDIT_MAPPING)

LOCKED = Meaning(
    TransientError,
    "locked",
    "{where}: another program has kept the database {path} locked for over 20 s",
    "It is tried again by itself; see which program writes to this file.",
)
DISK_FULL = Meaning(
    TransientError, "disk_full", "{where}: no space left for {path}", "Make room on that disk, then retry."
)
CANNOT_OPEN = Meaning(
    ConfigError,
    "cannot_open",
    "{where}: cannot open {path}",
    "Check that file and folder exist and that the worker's user may read and write both.",
)
READ_ONLY = Meaning(
    ConfigError,
    "read_only",
    "{where}: {path} or its folder may not be written to",
    "Give the worker's user the right to write both the file and its folder.",
)
NOT_A_DATABASE = Meaning(
    ConfigError,
    "not_a_database",
    "{where}: {path} is not an SQLite database",
    "Name the right file; one that is damaged has to be restored from a backup.",
)
RESULTS: dict[int, Meaning] = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_IOERR: Meaning(TransientError, "io_error", "{where}: reading or writing {path} failed: {what}"),
    sqlite3.SQLITE_NOMEM: Meaning(
        TransientError, "out_of_memory", "{where}: out of memory", "Choose a smaller batch size."
    ),
    sqlite3.SQLITE_CANTOPEN: CANNOT_OPEN,
    sqlite3.SQLITE_PERM: CANNOT_OPEN,
    sqlite3.SQLITE_AUTH: CANNOT_OPEN,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_NOTADB: NOT_A_DATABASE,
    sqlite3.SQLITE_CORRUPT: NOT_A_DATABASE,
    sqlite3.SQLITE_TOOBIG: Meaning(DataError, "value_too_long", "{who} is too big for the target", EDIT_MAPPING),
    sqlite3.SQLITE_MISMATCH: Meaning(DataError, "invalid_text", "{who} has a value of a wrong type", EDIT_MAPPING),
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
    prefix = f"{place.stream}."
    what = ", ".join(part.removeprefix(prefix) for part in what.split(", "))
    filled = meaning.text.format(who=place.who, where=place.where, path=place.path, what=what)
    return meaning.error(meaning.code, filled, hint=meaning.hint)


def _meaning(error: sqlite3.Error) -> Meaning:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_CONSTRAINT:
        return CONSTRAINTS.get(error.sqlite_errorname, OTHER_CONSTRAINT)
    if code in RESULTS:
        return RESULTS[code]
    return next((meaning for start, meaning in TEXTS.items() if start in str(error)), UNKNOWN)
