"""Reads files in the order of a cursor: what is asked for is sorted in a temporary SQLite file, so memory stays flat.

Files have no index, so every run reads them from the beginning; only what lies beyond the cursor goes further. Values
that are none of the cursor's type come last, since mapping is to refuse them, and behind them what cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.cursors import check_cursor_type, highest_value
from connectors.errors import ConfigError
from connectors.files_errors import bad_position, changed
from connectors.files_filters import chosen
from connectors.files_reading import BATCH_BYTES, chosen_records, judges_of, state_of
from connectors.files_records import Row, unreadable
from connectors.files_sorting import Found, encode_record, sorted_by_cursor
from connectors.files_streams import StreamFiles
from connectors.records import Batch, CursorRequest, Field, ReadRequest, Unread, decode_value, encode_value
from connectors.surroundings import Interruption

FITTING, UNFIT, UNREAD = 0, 1, 2  # classes of records, in their order; the cursor of the latter two is 0


@dataclass(slots=True)
class _Page:
    """What is gathered for the next batch."""

    rows: list[Row] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    unread: dict[int, Unread] = field(default_factory=dict)
    byte_count: int = 0

    def add(self, kind: int, place: str, text: str, width: int) -> None:
        record = json.loads(text)
        if kind == UNREAD:
            self.unread[len(self.rows)] = Unread(*record)
        self.rows.append((None,) * width if kind == UNREAD else tuple(record))
        self.places.append(place)
        self.byte_count += len(text)


def read_by_cursor(
    files: StreamFiles, request: ReadRequest, cursor: CursorRequest, interruption: Interruption
) -> Iterator[Batch]:
    """Batches in the cursor's order. Raises ConfigError `bad_cursor` or `bad_position`, and what read_batches does."""
    (place,) = chosen(files.stream, [cursor.field], files.fields)
    by = files.fields[place]
    check_cursor_type(files.stream, by)
    names = request.columns or tuple(one.name for one in files.fields)
    chosen(files.stream, names, files.fields)
    state = state_of(files)
    after = _position_of(request, state, by)
    start = None if cursor.start is None else start_of(files.stream, by, cursor.start)
    found = _found(files, request, by, interruption)
    wanted = (one for one in found if is_wanted(one, start, after, is_inclusive=cursor.is_inclusive))
    rows = sorted_by_cursor(wanted, by.type, interruption)
    yield from _batches(rows, names, by, state, request.batch_size)


def _batches(rows: Iterable[Found], names: tuple[str, ...], by: Field, state: str, batch_size: int) -> Iterator[Batch]:
    page, last, highest = _Page(), (FITTING, 0, 0), None

    def batch() -> Batch:
        kind, value, number = last
        form = encode_value(by.type, decode_value(by.type, value)) if kind == FITTING else 0
        position = {"files": state, "cursor": [kind, form, number]}
        told = highest_value(by.type, [highest])
        return Batch(names, page.rows, position, page.byte_count, told, page.unread, page.places.__getitem__)

    for kind, value, number, place, text in rows:
        page.add(kind, place, text, len(names))
        last = (kind, value, number)
        highest = value if kind == FITTING else highest
        if len(page.rows) >= batch_size or page.byte_count >= BATCH_BYTES:
            yield batch()
            page, highest = _Page(), None
    if page.rows:
        yield batch()


def _position_of(request: ReadRequest, state: str, by: Field) -> tuple[int, Any, int] | None:
    if request.position is None:
        return None
    try:
        before = request.position["files"]
        kind, value, number = request.position["cursor"]
        after = int(kind), decode_value(by.type, value) if kind == FITTING else 0, int(number)
    except (TypeError, KeyError, ValueError):
        raise bad_position(request.stream) from None
    if before != state:
        raise changed(request.stream, "since this job read a part of it")
    return after


def start_of(stream: str, by: Field, start: Any) -> Any:
    """The value to begin at. Raises ConfigError `bad_cursor`."""
    try:
        return decode_value(by.type, start)
    except ValueError as error:
        hint = "Set the cursor back to the start."
        raise ConfigError("bad_cursor", f"{stream}: {by.name} cannot begin at {start!r}: {error}", hint=hint) from None


def _found(files: StreamFiles, request: ReadRequest, by: Field, interruption: Interruption) -> Iterator[Found]:
    """All records that hold the filters and have a value in the cursor's field."""
    names = request.columns or tuple(one.name for one in files.fields)
    places = chosen(files.stream, (*names, by.name), files.fields)
    needed = replace(files, needed=frozenset((*names, by.name, *(item.field for item in request.filters))))
    number = 0
    for file in files.places:
        with needed.open(file) as opened:
            for record in chosen_records(opened, 0, 0, judges_of(files, request.filters), interruption):
                number += 1
                if isinstance(record, Unread):
                    if not request.sets_aside:
                        raise unreadable(opened.place, record)
                    yield UNREAD, 0, number, opened.place, json.dumps([record.reason, record.text])
                elif record[places[-1]] is not None:
                    text = encode_record([record[one] for one in places[:-1]])
                    yield *judged(by, record[places[-1]]), number, opened.place, text


def judged(by: Field, value: Any) -> tuple[int, Any]:
    """The class of a record by its cursor, and the cursor."""
    try:
        return FITTING, decode_value(by.type, value)
    except ValueError:
        return UNFIT, 0


def is_wanted(one: Found, start: Any, after: tuple[int, Any, int] | None, *, is_inclusive: bool) -> bool:
    """Whether a record lies beyond the start, and beyond the last one that was read."""
    kind, value, number, _, _ = one
    if after is not None and (kind, value, number) <= after:
        return False
    return kind != FITTING or start is None or value > start or (is_inclusive and value == start)
