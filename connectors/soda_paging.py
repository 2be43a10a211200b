"""How a SODA dataset is read on, page after page: its order, the condition of what comes next, and positions.

Sends nothing. Pages go on after the last `:id`, with a cursor after the last (cursor, `:id`), and never by counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from connectors.cursors import check_cursor_type, highest_value
from connectors.errors import ConfigError
from connectors.paging import LoopGuard
from connectors.records import CursorRequest, Field, Filter, decode_value
from connectors.soql import Conditions, column_mismatch, quote_name, quote_text

ID = ":id"


@dataclass(frozen=True, slots=True)
class Paging:
    """The order of one request. A position is the last `:id`, with a cursor {"cursor": its raw value, "id": …}."""

    host: str
    conditions: Conditions
    cursor: CursorRequest | None = None
    guard: LoopGuard = field(default_factory=LoopGuard, compare=False)

    @property
    def order(self) -> str:
        return ",".join([quote_name(name) for name in self.extra_columns] + [ID])

    @property
    def extra_columns(self) -> list[str]:
        """What must be asked for besides `:id`."""
        return [] if self.cursor is None else [self.field.name]

    @property
    def field(self) -> Field:
        """The cursor's field. Raises ConfigError `bad_cursor`, DataError `column_mismatch`."""
        name = self.cursor.field if self.cursor else ""
        field = self.conditions.fields.get(name)
        if field is None:
            raise column_mismatch(self.conditions.stream, [name], self.conditions.fields)
        check_cursor_type(self.conditions.stream, field)
        return field

    def beyond(self, position: Any) -> list[str]:
        """The conditions of records that are still to come. Raises ConfigError `bad_position`, `bad_filter`."""
        if self.cursor is None:
            return [] if position is None else [f"{ID} > {quote_text(str(position))}"]
        name = self.field.name
        if position is None:
            return self.conditions.where([self._start(self.cursor)])
        if not isinstance(position, dict) or set(position) != {"cursor", "id"}:
            raise ConfigError(
                "bad_position",
                f"{self.conditions.stream}: the stored position does not fit the cursor {name}",
                hint="Restart the job, so that it reads from the beginning.",
            )
        later, same = self.conditions.where(
            [Filter(name, "gt", position["cursor"]), Filter(name, "eq", position["cursor"])]
        )
        return [f"({later}) OR (({same}) AND {ID} > {quote_text(str(position['id']))})"]

    def next_position(self, records: Sequence[dict[str, Any]], position: Any) -> Any:
        """Where the last record stands. Without its `:id`, or with a page again, going on would lose or loop."""
        first, last = self._place(records[0]), self._place(records[-1])
        if position in (first, last) or self.guard.comes_back_to(last):
            raise ConfigError(
                "protocol",
                f"{self.host} sent the same page of {self.conditions.stream} twice, up to {ID} {_id_of(last)}",
                hint="The server does not heed order or condition of the request; perhaps a proxy keeps its answers.",
            )
        return last

    def highest(self, records: Sequence[dict[str, Any]]) -> Any:
        """How far the cursor is after a page as it was sent, in its JSON form."""
        if self.cursor is None:
            return None
        field, localize = self.field, self.conditions.times.localize
        values = [record[field.name] for record in records]
        if field.name in self.conditions.floating:
            values = [localize(value) for value in values]
        return highest_value(field.type, values)

    def _start(self, cursor: CursorRequest) -> Filter:
        if cursor.start is None:
            return Filter(cursor.field, "is_null", False)
        start = cursor.start
        if cursor.field in self.conditions.floating:
            start = self.conditions.times.earliest(decode_value("datetime", start))
        return Filter(cursor.field, "ge" if cursor.is_inclusive else "gt", start)

    def _place(self, record: dict[str, Any]) -> Any:
        identifier = record.get(ID)
        if not isinstance(identifier, str):
            raise ConfigError("protocol", f"{self.host} sent records of {self.conditions.stream} without their {ID}")
        if self.cursor is None:
            return identifier
        value = record.get(self.field.name)
        if value is None:
            raise ConfigError(
                "protocol", f"{self.host} sent a record of {self.conditions.stream} without {self.field.name}"
            )
        return {"cursor": value, "id": identifier}


def as_rows(records: list[dict[str, Any]], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The fields as tuples. A portal leaves out those without a value; most records have all of them, and `:id`."""
    if len(names) > 1:
        pick, empty, whole = itemgetter(*names), dict.fromkeys(names), len(names) + 1
        with suppress(KeyError):  # what was not asked for may have come instead
            return [pick(record if len(record) >= whole else empty | record) for record in records]
    return [tuple(map(record.get, names)) for record in records]


def _id_of(position: Any) -> str:
    return str(position["id"] if isinstance(position, dict) else position)
