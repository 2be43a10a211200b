"""The shape of the tables that say what a driver's errors mean. Knows no driver."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import DataError, SyncError

NOT_NULL_HINT = "Map a value, or let the target's column be empty."
MAPPING_HINT = "Correct the mapping, or let the target's column take such values."


@dataclass(frozen=True, slots=True)
class Place:
    """What a statement was about: connector, its address (without secrets), stream and, if it is known, the record."""

    slug: str
    address: str
    stream: str = ""
    record: str = ""

    @property
    def who(self) -> str:
        """`airports: record icao=KJFK`, or as much of it as is known."""
        stream = self.stream or self.slug
        return f"{stream}: record {self.record}" if self.record else f"{stream}: a record"

    @property
    def where(self) -> str:
        """`warehouse: airports`."""
        return f"{self.slug}: {self.stream}" if self.stream else self.slug


@dataclass(frozen=True, slots=True)
class Meaning:
    """The class, code, text and hint of an error; both may hold {who}, {where}, {address} and {what}.

    `names_field` says that `what` begins with a column.
    """

    error: type[SyncError]
    code: str
    text: str
    hint: str = ""
    names_field: bool = False

    def at(self, place: Place, what: str = "") -> SyncError:
        """The error itself; `what` is a column, a constraint or what else the system named."""
        parts = {"who": place.who, "where": place.where, "address": place.address, "what": what}
        error = self.error(self.code, self.text.format(**parts), hint=self.hint.format(**parts))
        error.record = place.record
        error.field = what.partition(" (")[0] if self.names_field else ""
        return error


NOT_NULL = Meaning(DataError, "not_null", "{who} has no {what}, which the target requires", NOT_NULL_HINT, True)
UNIQUE = Meaning(
    DataError,
    "unique",
    "{who} repeats {what}, which is unique in the target",
    "Use the unique columns as key, or mend the source.",
    True,
)
FOREIGN_KEY = Meaning(
    DataError,
    "foreign_key",
    "{who} refers to a record that the target does not have (foreign key{what})",
    "Sync the table that it refers to first.",
)
CHECK = Meaning(DataError, "check", "{who} breaks the target's check constraint {what}", MAPPING_HINT)
