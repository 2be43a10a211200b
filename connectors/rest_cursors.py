"""Reads a REST stream in the order of a cursor: its records are sorted here, in a temporary file, so memory stays flat.

Few services sort as we need it, so nothing is left to them but to leave out what is older (a filter that they know).
Between records of the same cursor a mark of their content decides: what changed between two tries comes again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.cursors import check_cursor_type, highest_value
from connectors.files_cursors import FITTING, is_wanted, judged, start_of
from connectors.files_sorting import Found, encode_record, sorted_by_cursor
from connectors.records import Batch, CursorRequest, Field, ReadRequest, decode_value, encode_value
from connectors.rest_reading import bad_position, mark_of
from connectors.surroundings import Interruption

Row = tuple[Any, ...]
Place = tuple[int, Any, int]


def read_by_cursor(
    records: Iterable[tuple[Mapping[str, Any], Row]],
    names: tuple[str, ...],
    by: Field,
    request: ReadRequest,
    cursor: CursorRequest,
    interruption: Interruption,
) -> Iterator[Batch]:
    """Batches of the rows, whose records tell the cursor. Raises ConfigError `bad_cursor` or `bad_position`."""
    check_cursor_type(request.stream, by)
    after = _position_of(request, by)
    start = None if cursor.start is None else start_of(request.stream, by, cursor.start)
    found = (_found(by, record, row) for record, row in records if record.get(by.name) is not None)
    wanted = (one for one in found if is_wanted(one, start, after, is_inclusive=cursor.is_inclusive))
    yield from _batches(sorted_by_cursor(wanted, by.type, interruption), names, by, request.batch_size)


def _found(by: Field, record: Mapping[str, Any], row: Row) -> Found:
    kind, value = judged(by, record[by.name])
    return kind, value, int(mark_of(record), 16) >> 1, "", encode_record(row)


def _batches(found: Iterable[Found], names: tuple[str, ...], by: Field, batch_size: int) -> Iterator[Batch]:
    """Records that nothing tells apart are not parted, since a position could not tell how many of them were read."""
    rows: list[Row] = []
    byte_count, last = 0, (FITTING, None, 0)
    for kind, value, number, _, text in found:
        if len(rows) >= batch_size and (kind, value, number) != last:
            yield _batch(names, by, rows, last, byte_count)
            rows, byte_count = [], 0
        rows.append(tuple(json.loads(text)))
        byte_count += len(text)
        last = (kind, value, number)
    if rows:
        yield _batch(names, by, rows, last, byte_count)


def _batch(names: tuple[str, ...], by: Field, rows: list[Row], last: tuple[int, Any, int], byte_count: int) -> Batch:
    kind, value, number = last
    form = encode_value(by.type, decode_value(by.type, value)) if kind == FITTING else None
    highest = highest_value(by.type, [value]) if kind == FITTING else None
    return Batch(names, rows, {"cursor": [kind, form, number]}, byte_count, highest)


def _position_of(request: ReadRequest, by: Field) -> Place | None:
    if request.position is None:
        return None
    try:
        kind, value, number = request.position["cursor"]
        return int(kind), decode_value(by.type, value) if kind == FITTING else 0, int(number)
    except (TypeError, KeyError, ValueError):
        raise bad_position(request.stream) from None
