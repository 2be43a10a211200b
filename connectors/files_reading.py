"""Batches of a stream's files in the order of their lines, with positions that notice changed files. Only reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import ConfigError
from connectors.files_errors import broken, changed, explained
from connectors.files_filters import Judge, Misfit, chosen, judges
from connectors.files_lines import Lines, head_of, open_lines, stamp_of
from connectors.files_places import Place
from connectors.files_streams import Row, StreamFiles
from connectors.records import Batch, Filter, ReadRequest
from connectors.surroundings import Interruption

BATCH_BYTES = 32 * 1024 * 1024
CHECKED_EVERY = 1_000  # records
Judges = list[tuple[int, Judge]]


@dataclass(slots=True)
class _Page:
    """What is gathered for the next batch."""

    rows: list[Row] = field(default_factory=list)
    byte_count: int = 0


def read_batches(files: StreamFiles, request: ReadRequest, interruption: Interruption) -> Iterator[Batch]:
    """Batches of at most `batch_size` records and about BATCH_BYTES.

    Raises ConfigError `bad_filter` or `bad_position`, DataError `broken_file`, `column_mismatch` or `file_changed`.
    """
    names = request.columns or tuple(one.name for one in files.fields)
    places = chosen(files.stream, names, files.fields)
    wanted = None if places == list(range(len(files.fields))) else places
    filters = _filters(files, request.filters)
    state = _state_of(files)
    page = _Page()
    position = request.position
    for place, offset, line in _rest(files, request, state):
        with open_lines(place, files.file_format.encoding) as lines:
            counted = offset
            for row in _chosen_rows(files, lines, offset, line, filters, interruption):
                page.rows.append(row if wanted is None else tuple(row[one] for one in wanted))
                page.byte_count += lines.offset - counted
                counted = lines.offset
                if len(page.rows) >= request.batch_size or page.byte_count >= BATCH_BYTES:
                    yield Batch(names, page.rows, _position(state, place, lines), page.byte_count)
                    page = _Page()
            page.byte_count += lines.offset - counted
            position = _position(state, place, lines)
    if page.rows:
        yield Batch(names, page.rows, position, page.byte_count)


def count_records(files: StreamFiles, filters: tuple[Filter, ...], interruption: Interruption) -> int:
    """How many records hold the filters; reads everything."""
    judged = _filters(files, filters)
    counted = 0
    for place in files.places:
        with open_lines(place, files.file_format.encoding) as lines:
            counted += sum(1 for _ in _chosen_rows(files, lines, 0, 0, judged, interruption))
    return counted


def _filters(files: StreamFiles, filters: tuple[Filter, ...]) -> Judges:
    chosen(files.stream, [item.field for item in filters], files.fields)
    return judges(filters, files.fields)


def _chosen_rows(
    files: StreamFiles, lines: Lines, offset: int, line: int, filters: Judges, interruption: Interruption
) -> Iterator[Row]:
    for number, row in enumerate(files.rows(lines, offset, line)):
        if number % CHECKED_EVERY == 0:
            interruption.check()
        try:
            if all(judge(row[place]) for place, judge in filters):
                yield row
        except Misfit as error:
            hint = "Mend the value, or declare another type for the column."
            raise broken(lines.name, lines.line, f"no filter can judge it: {error}", hint) from None


def _state_of(files: StreamFiles) -> str:
    """A digest of which files there are and how they look from outside."""
    digest = hashlib.sha256()
    for place in files.places:
        with explained(place.path, place.name):
            stamp = stamp_of(place.path)
        digest.update(repr((place.name, stamp and (stamp.size, stamp.mtime_ns))).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


def _position(state: str, place: Place, lines: Lines) -> dict[str, Any]:
    return {"files": state, "file": place.name, "head": lines.head, "offset": lines.offset, "line": lines.line}


def _rest(files: StreamFiles, request: ReadRequest, state: str) -> Iterator[tuple[Place, int, int]]:
    """The files that are still to be read, with where to begin."""
    if request.position is None:
        yield from ((place, 0, 0) for place in files.places)
        return
    try:
        name, head, before = (request.position[part] for part in ("file", "head", "files"))
        offset, line = int(request.position["offset"]), int(request.position["line"])
    except (TypeError, KeyError, ValueError):
        raise ConfigError(
            "bad_position",
            f"{request.stream}: the stored position is none of a file",
            hint="Restart the job, so that it reads from the beginning.",
        ) from None
    names = [place.name for place in files.places]
    if before != state or name not in names or head_of(files.places[names.index(name)].path) != head:
        raise changed(request.stream, "since this job read a part of it")
    first = names.index(name)
    yield files.places[first], offset, line
    yield from ((place, 0, 0) for place in files.places[first + 1 :])
