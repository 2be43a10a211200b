"""Rows that are kept by columns, so that what is done to a whole page is done column by column. No input or output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, overload

Row = tuple[Any, ...]
Column = list[Any]
ROWS_AT_ONCE = 500


class UnmadeColumn(Sequence[Any]):
    """Values that are made of `texts`, nulls excepted, each time that somebody looks; who can, sends the texts on."""

    __slots__ = ("make", "texts")

    def __init__(self, texts: Sequence[str | None], make: Callable[[str], Any]) -> None:
        self.texts, self.make = texts, make

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[Any]:
        return (None if text is None else self.make(text) for text in self.texts)

    @overload
    def __getitem__(self, at: int) -> Any: ...

    @overload
    def __getitem__(self, at: slice) -> UnmadeColumn: ...

    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return UnmadeColumn(self.texts[at], self.make)
        text = self.texts[at]
        return None if text is None else self.make(text)


class ColumnRows(Sequence[Row]):
    """A sequence of tuples that are only made when they are asked for; equal to any other of equal tuples."""

    __slots__ = ("_size", "columns")

    def __init__(self, columns: Sequence[Sequence[Any]], size: int) -> None:
        self.columns, self._size = columns, size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Row]:
        return zip(*self.columns, strict=True) if self.columns else repeat((), self._size)

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Row]: ...

    def __getitem__(self, at: int | slice) -> Row | Sequence[Row]:
        if isinstance(at, slice):
            return ColumnRows([column[at] for column in self.columns], len(range(self._size)[at]))
        at = range(self._size)[at]  # raises IndexError, also where there are no columns
        return tuple(column[at] for column in self.columns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(other) == self._size and all(map(_are_same, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))


def _are_same(one: Row, other: object) -> bool:
    return one == other


def columns_of(rows: Sequence[Row], width: int) -> Sequence[Column]:
    """The columns of rows that have `width` values each."""
    if isinstance(rows, ColumnRows):
        return [column if isinstance(column, list) else list(column) for column in rows.columns]
    columns: list[list[Any]] = [[] for _ in range(width)]
    for begin in range(0, len(rows), ROWS_AT_ONCE):  # so few stay in the processor's cache
        for column, part in zip(columns, zip(*rows[begin : begin + ROWS_AT_ONCE], strict=True), strict=True):
            column += part
    return columns


def column_of(rows: Sequence[Row], place: int) -> Sequence[Any]:
    """One column."""
    return rows.columns[place] if isinstance(rows, ColumnRows) else [row[place] for row in rows]


def by_columns(rows: Sequence[Row], width: int) -> ColumnRows:
    """The same rows, kept by columns."""
    return rows if isinstance(rows, ColumnRows) else ColumnRows(columns_of(rows, width), len(rows))
