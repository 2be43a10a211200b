"""Chooses records and columns of a request here, for kinds whose system gives whole records only. Opens nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.errors import DataError
from connectors.files_filters import Misfit, chosen, judges
from connectors.records import ReadRequest, StreamSchema


class Selection:
    """The columns and filters of a request.

    Raises ConfigError `bad_filter`, DataError `column_mismatch`.
    """

    def __init__(self, request: ReadRequest, schema: StreamSchema) -> None:
        self.stream = request.stream
        self.names = schema.names if request.columns is None else request.columns
        chosen(self.stream, [*self.names, *(item.field for item in request.filters)], schema.fields)
        self._judges = [(schema.names[place], judge) for place, judge in judges(request.filters, schema.fields)]

    def rows(self, records: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """Those that hold all filters, each as a tuple of the wanted columns. A field that is not there is empty."""
        return [tuple(map(record.get, self.names)) for record in records if self._is_wanted(record)]

    def _is_wanted(self, record: Mapping[str, Any]) -> bool:
        try:
            return all(judge(record.get(name)) for name, judge in self._judges)
        except Misfit as error:
            raise DataError(
                "broken_record", f"{self.stream}: {error}", hint="Correct the value at the source, or the field's type."
            ) from None
