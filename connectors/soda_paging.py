"""How a SODA dataset is read on, page after page: its order, the condition of what comes next, and positions.

Sends nothing. Pages go on after the last `:id`, with a cursor after the last (cursor, `:id`), and never by counting.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connectors.cursors import check_cursor_type, highest_value
from connectors.errors import ConfigError
from connectors.json_pages import Page
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

    def next_position(self, page: Page, position: Any) -> Any:
        """Where the last record stands. Without its `:id`, or with a page again, going on would lose or loop."""
        first, last = self._place(page, 0), self._place(page, -1)
        if position in (first, last) or self.guard.comes_back_to(last):
            raise ConfigError(
                "protocol",
                f"{self.host} sent the same page of {self.conditions.stream} twice, up to {ID} {_id_of(last)}",
                hint="The server does not heed order or condition of the request; perhaps a proxy keeps its answers.",
            )
        return last

    def highest(self, page: Page) -> Any:
        """How far the cursor is after a page as it was sent, in its JSON form."""
        if self.cursor is None:
            return None
        field, values = self.field, page.columns[self.field.name]
        if field.name in self.conditions.floating:
            values = self.conditions.times.localize(values)
        return highest_value(field.type, values)

    def _start(self, cursor: CursorRequest) -> Filter:
        if cursor.start is None:
            return Filter(cursor.field, "is_null", False)
        start = cursor.start
        if cursor.field in self.conditions.floating:
            start = self.conditions.times.earliest(decode_value("datetime", start))
        return Filter(cursor.field, "ge" if cursor.is_inclusive else "gt", start)

    def _place(self, page: Page, at: int) -> Any:
        identifier = page.columns[ID][at]
        if not isinstance(identifier, str):
            raise ConfigError("protocol", f"{self.host} sent records of {self.conditions.stream} without their {ID}")
        if self.cursor is None:
            return identifier
        value = page.columns[self.field.name][at]
        if value is None:
            raise ConfigError(
                "protocol", f"{self.host} sent a record of {self.conditions.stream} without {self.field.name}"
            )
        return {"cursor": value, "id": identifier}


def _id_of(position: Any) -> str:
    return str(position["id"] if isinstance(position, dict) else position)
