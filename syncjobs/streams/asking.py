"""Asks the source once more for records that it seems to have no longer: they may have moved between its pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from connectors.errors import DataError
from connectors.records import Filter, ReadRequest
from syncjobs.mapping import Mapper
from syncjobs.streams.opening import OpenStream

Key = tuple[Any, ...]
MOST_VALUES = 500  # of one question
LONGEST_QUESTION = 3_000  # characters of its values; a query may have to travel in a URL
FEW = 2_000  # so many keys are always asked for by themselves


class SourceAsker:
    """Finds keys of the target at the source, within the run's filters; keys are in the order of the stream's key."""

    def __init__(self, stream: OpenStream) -> None:
        self._stream = stream
        self._mapper: Mapper = stream.mapper.only(stream.spec.key)
        self._names = [field.name for field in self._mapper.fields]

    def asks_by_key(self, number: int, read: int) -> bool:
        """Whether to ask for keys (of `number`), rather than to read the whole source (of `read` records) again."""
        is_small = number <= max(FEW, read // 10)
        return is_small and all(self._stream.mapper.keeps_values(name) for name in self._stream.spec.key)

    def find(self, keys: Sequence[Key]) -> Iterator[list[Key]]:
        """Those of these keys that the source has."""
        sources = [self._stream.mapper.source_of(name) or name for name in self._stream.spec.key]
        for filters in _questions(sources, keys):
            asked = replace(self._request, partition=None, filters=self._stream.request.filters + filters)
            yield from self._read(asked)

    def read_all(self) -> Iterator[list[Key]]:
        """All keys that the source has. Raises DataError `unknown_key` where one can not be mapped."""
        yield from self._read(self._request)

    @property
    def _request(self) -> ReadRequest:
        """Ends with the first record that cannot be read, since its key can not be told either."""
        asked = replace(self._stream.request, columns=self._mapper.source_columns, position=None)
        return replace(asked, sets_aside=False, may_read_ahead=False)

    def _read(self, request: ReadRequest) -> Iterator[list[Key]]:
        for batch in self._stream.source.read(request):
            self._stream.sync_job.raise_if_stopped()
            mapped = self._mapper.map_rows(batch.names, batch.rows)
            if mapped.rejects:
                raise DataError(
                    "unknown_key",
                    f"{self._stream.spec.source}: the key of a record can not be told"
                    f" ({mapped.rejects[0].field} {mapped.rejects[0].reason}), so nothing was deleted",
                    hint="Mend the record at the source or the mapping of the key, then retry.",
                )
            places = [self._names.index(name) for name in self._stream.spec.key]
            rows = [tuple(row[place] for place in places) for row in mapped.rows]
            yield [row for row in rows if None not in row]


def _questions(sources: Sequence[str], keys: Sequence[Key]) -> Iterator[tuple[Filter, ...]]:
    """Filters that ask for these keys: those alike in all but the last field are asked for together."""
    groups: dict[Key, list[Any]] = {}
    for *first, last in keys:
        groups.setdefault(tuple(first), []).append(last)
    for first_values, lasts in groups.items():
        same = tuple(Filter(name, "eq", value) for name, value in zip(sources, first_values, strict=False))
        for chunk in _chunks(lasts):
            yield (*same, Filter(sources[-1], "in", chunk))


def _chunks(values: Sequence[Any]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    length = 0
    for value in values:
        size = len(str(value)) + 4
        if chunk and (len(chunk) == MOST_VALUES or length + size > LONGEST_QUESTION):
            yield chunk
            chunk, length = [], 0
        chunk.append(value)
        length += size
    if chunk:
        yield chunk
