"""Batches of a stream's files in the order of their lines, with positions that notice changed files. Only reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.files_errors import bad_position, changed, explained
from connectors.files_filters import Judge, Misfit, chosen, judges
from connectors.files_lines import head_of, stamp_of
from connectors.files_places import Place
from connectors.files_records import OpenRecords, Places, Row, record_text, unreadable
from connectors.files_streams import StreamFiles
from connectors.records import Batch, Filter, ReadRequest, Unread
from connectors.surroundings import Interruption

BATCH_BYTES = 32 * 1024 * 1024
CHECKED_EVERY = 1_000  # records
Judges = list[tuple[int, Judge]]


@dataclass(slots=True)
class _Page:
    """What is gathered for the next batch."""

    rows: list[Row] = field(default_factory=list)
    byte_count: int = 0
    unread: dict[int, Unread] = field(default_factory=dict)
    places: Places = field(default_factory=Places)

    def add(
        self, opened: OpenRecords, record: Row | Unread, wanted: list[int] | None, width: int, *, sets_aside: bool
    ) -> None:
        """Raises DataError `broken_record` for one that is not to be set aside."""
        if isinstance(record, Unread):
            if not sets_aside:
                raise unreadable(opened.place, record)
            self.unread[len(self.rows)] = record
            record, wanted = (None,) * width, None
        self.rows.append(record if wanted is None else tuple([record[one] for one in wanted]))
        self.places.numbers.append(opened.first)

    def batch(self, names: tuple[str, ...], position: Any) -> Batch:
        return Batch(names, self.rows, position, self.byte_count, unread=self.unread, where=self.places)


def read_batches(files: StreamFiles, request: ReadRequest, interruption: Interruption) -> Iterator[Batch]:
    """Batches of at most `batch_size` records and about BATCH_BYTES.

    Raises ConfigError `bad_filter` or `bad_position`, DataError `broken_file`, `broken_record`, `column_mismatch` or
    `file_changed`.
    """
    names = request.columns or tuple(one.name for one in files.fields)
    places = chosen(files.stream, names, files.fields)
    wanted = None if places == list(range(len(files.fields))) else places
    filters = judges_of(files, request.filters)
    needed = replace(files, needed=frozenset((*names, *(item.field for item in request.filters))))
    state = state_of(files)
    page = _Page()
    position = request.position
    for place, offset, number in _rest(files, request, state):
        with needed.open(place) as opened:
            page.places.begin(len(page.rows), opened)
            counted = 0
            for record in chosen_records(opened, offset, number, filters, interruption):
                page.add(opened, record, wanted, len(names), sets_aside=request.sets_aside)
                page.byte_count += opened.bytes_read - counted
                counted = opened.bytes_read
                if len(page.rows) >= request.batch_size or page.byte_count >= BATCH_BYTES:
                    yield page.batch(names, _position(state, place, opened))
                    interruption.check()
                    page = _Page()
                    page.places.begin(0, opened)
            page.byte_count += opened.bytes_read - counted
            position = _position(state, place, opened)
    if page.rows:
        yield page.batch(names, position)


def count_records(files: StreamFiles, filters: tuple[Filter, ...], interruption: Interruption) -> int:
    """How many records hold the filters, of those that can be read; reads everything."""
    judged = judges_of(files, filters)
    needed = replace(files, needed=frozenset(item.field for item in filters))
    counted = 0
    for place in files.places:
        with needed.open(place) as opened:
            found = chosen_records(opened, 0, 0, judged, interruption)
            counted += sum(1 for record in found if not isinstance(record, Unread))
    return counted


def judges_of(files: StreamFiles, filters: tuple[Filter, ...]) -> Judges:
    chosen(files.stream, [item.field for item in filters], files.fields)
    return judges(filters, files.fields)


def chosen_records(
    opened: OpenRecords, offset: int, number: int, filters: Judges, interruption: Interruption
) -> Iterator[Row | Unread]:
    """The records behind a place that hold the filters, or of which nobody can say whether they do."""
    for count, record in enumerate(opened.records(offset, number)):
        if count % CHECKED_EVERY == 0:
            interruption.check()
        if not filters or isinstance(record, Unread):
            yield record
            continue
        try:
            if all(judge(record[place]) for place, judge in filters):
                yield record
        except Misfit as error:
            yield Unread(f"no filter can judge it: {error}", record_text(record))


def state_of(files: StreamFiles) -> str:
    """A digest of which files there are and how they look from outside."""
    digest = hashlib.sha256()
    for place in files.places:
        with explained(place.path, place.name):
            stamp = stamp_of(place.path)
        digest.update(repr((place.name, stamp and (stamp.size, stamp.mtime_ns))).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


def _position(state: str, place: Place, opened: OpenRecords) -> dict[str, Any]:
    return {"files": state, "file": place.name, "head": opened.head, "offset": opened.offset, "line": opened.number}


def _rest(files: StreamFiles, request: ReadRequest, state: str) -> Iterator[tuple[Place, int, int]]:
    """The files that are still to be read, with where to begin."""
    if request.position is None:
        yield from ((place, 0, 0) for place in files.places)
        return
    try:
        name, head, before = (request.position[part] for part in ("file", "head", "files"))
        offset, line = int(request.position["offset"]), int(request.position["line"])
    except (TypeError, KeyError, ValueError):
        raise bad_position(request.stream) from None
    names = [place.name for place in files.places]
    if before != state or name not in names or head_of(files.places[names.index(name)].path) != head:
        raise changed(request.stream, "since this job read a part of it")
    first = names.index(name)
    yield files.places[first], offset, line
    yield from ((place, 0, 0) for place in files.places[first + 1 :])
