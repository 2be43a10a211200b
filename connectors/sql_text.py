"""SQL text that is safe by its type: names are quoted here, values are only ever bound. Runs nothing.

Whoever wants to put something into a statement needs an SQLText, and mypy refuses a plain str. The one way to make
one from foreign text is `quote`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import LiteralString, NewType

from connectors.errors import DataError
from connectors.query_texts import CustomQuery
from connectors.records import Field

SQLText = NewType("SQLText", str)


def quote(name: str) -> SQLText:
    """A name as a quoted identifier, by the rule that PostgreSQL and SQLite share."""
    return SQLText('"' + name.replace('"', '""') + '"')


def sql(template: LiteralString, **parts: SQLText) -> SQLText:
    """A statement of our own words, with the named parts put in."""
    return SQLText(template.format(**parts))


def joined(parts: Iterable[SQLText], separator: LiteralString = ", ") -> SQLText:
    """Parts behind one another; each is complete in itself."""
    return SQLText(separator.join(parts))


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalog has it.

    `declared` is what a staging column that holds its values is declared as, `cast` the type of a parameter that is
    compared with it, `native` the type's short name in the catalog and `length` the most characters it takes.
    `collation` is what its values are ordered by (` COLLATE name`) where that is not the column's own.
    """

    field: Field
    declared: SQLText
    cast: SQLText = SQLText("")
    native: str = ""
    length: int | None = None
    collation: SQLText = SQLText("")

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def sql(self) -> SQLText:
        return quote(self.field.name)

    @property
    def ordered(self) -> SQLText:
        """The column as it stands in orders, and in comparisons that follow them."""
        return SQLText(self.sql + self.collation)


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view: `name` as people call it, `sql` as statements do.

    `row_order` are columns (or the row's number) that together with any others give every row a place of its own;
    empty where there are none. `row_id` is an expression over alias t that changes when the row is written anew.
    `may_be_wide` says that a row may have more than half a megabyte, so that values must be measured first.
    Values of more than `largest_value` bytes are read as OversizedValues.
    `query` is set where a custom query stands in for a table, in brackets.
    """

    name: str
    sql: SQLText
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    unique_keys: tuple[frozenset[str], ...] = ()
    row_order: tuple[Column, ...] = ()
    row_id: SQLText | None = None
    query: CustomQuery | None = None
    may_be_wide: bool = True
    largest_value: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def choose(self, names: Iterable[str]) -> tuple[Column, ...]:
        """The columns with these names, in that order. Raises DataError `column_mismatch` naming the missing ones."""
        known = {column.name: column for column in self.columns}
        wanted = tuple(names)
        missing = [name for name in wanted if name not in known]
        if missing:
            raise column_mismatch(self.name, missing, self.names)
        return tuple(known[name] for name in wanted)

    def has_unique(self, names: Iterable[str]) -> bool:
        """Whether no two rows can be alike in these columns."""
        return any(unique <= set(names) for unique in self.unique_keys)


def column_mismatch(stream: str, missing: Iterable[str], known: Iterable[str]) -> DataError:
    """Says which columns are wanted and which there are."""
    wanted = ", ".join(f"'{name}'" for name in missing)
    return DataError(
        "column_mismatch",
        f"{stream} has no column {wanted} (it has: {', '.join(known)})",
        hint="Correct the mapping, key or filters, or add the column.",
    )
