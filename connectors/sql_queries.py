"""Custom queries as streams of SQL connectors: a query stands where a table would, inside `SELECT … FROM (query)`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from connectors.errors import ConfigError, DataError
from connectors.query_texts import CustomQuery, checked_query, query_refused
from connectors.sql_batches import Rows, size_of
from connectors.sql_errors import Place
from connectors.sql_text import Column, SQLText, Table, column_mismatch, sql

QUERY_SECONDS = 300
QUERY_SECONDS_SCHEMA: dict[str, Any] = {
    "type": "integer",
    "minimum": 1,
    "maximum": 86_400,
    "default": QUERY_SECONDS,
    "title": "Seconds for a custom query",
    "description": "The longest that one statement of a custom query may run before it is stopped.",
}
LARGEST_PAGE_BYTES = 512 * 1024**2


class QueryRunner(ABC):
    """Runs the statements that read custom queries of one connector, behind the fences of its kind."""

    @abstractmethod
    def describe(self, stream: str, source: SQLText) -> tuple[Column, ...]:
        """The columns that the query gives; `source` is the query in brackets."""

    @abstractmethod
    def parts(self, table: Table, query: SQLText, parameters: Sequence[Any]) -> Generator[Rows]:
        """A statement's rows, few at a time. Raises ConfigError `query_refused`, `query_timeout` or `query_failed`."""

    def fetch(self, table: Table, query: SQLText, parameters: Sequence[Any]) -> Rows:
        """All rows of a statement. Raises as `parts`, and DataError `limit` where they are too many to be had."""
        rows: Rows = []
        byte_count = 0
        with closing(self.parts(table, query, parameters)) as parts:
            for part in parts:
                rows += part
                byte_count += size_of(part)
                if byte_count > LARGEST_PAGE_BYTES:
                    raise _too_big(table.name)
        return rows

    @abstractmethod
    def fetch_in_parts(
        self, table: Table, query: SQLText, parameters: Sequence[Any], size: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of one long statement, at most `size` at a time."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections; may be called twice."""


@dataclass(frozen=True, slots=True)
class QueryFailures:
    """What is said when a query could not be run to its end, by all kinds alike."""

    place: Place
    seconds: int

    def timeout(self) -> ConfigError:
        return ConfigError(
            "query_timeout",
            f"{self.place.where}: the custom query ran longer than {self.seconds} s and was stopped",
            hint="Make it faster (an index, a narrower condition), give the stream a partition, or raise query_seconds"
            " of the connector.",
        )

    def refused(self, what: str) -> ConfigError:
        return query_refused(f"{self.place.where}: it may only read ({what})")

    def failed(self, what: str) -> ConfigError:
        return ConfigError(
            "query_failed",
            f"{self.place.where}: the custom query cannot be run: {what}",
            hint="Correct the query, the key or the filters of the stream.",
        )


def _too_big(stream: str) -> DataError:
    return DataError(
        "limit",
        f"{stream}: one page of the custom query is larger than {LARGEST_PAGE_BYTES // 1024**2} MB",
        hint="Set a smaller batch_size for the stream, or leave large columns out of the query.",
    )


def query_table(stream: str, query: CustomQuery, runner: QueryRunner) -> Table:
    """A query as a table of that name. Raises ConfigError, DataError `column_mismatch` where its key is not in it."""
    # The line's end keeps a comment at the query's end from taking the bracket with it.
    source = sql("({query}\n)", query=SQLText(checked_query(query.text)))
    columns = runner.describe(stream, source)
    names = [column.name for column in columns]
    if not names:
        raise query_refused(f"{stream}: it gives no column")
    if twice := [name for name, number in Counter(names).items() if number > 1]:
        raise query_refused(f"{stream}: several of its columns are called '{twice[0]}'; name each by AS")
    if missing := [name for name in query.key if name not in names]:
        raise column_mismatch(f"{stream} (a custom query, whose columns must hold the key)", missing, names)
    return Table(stream, source, columns, query.key, query=query)
