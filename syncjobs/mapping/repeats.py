"""Columns in which few texts come again and again: what is made of a text is made once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.columns import UnmadeColumn

SAMPLE = 500
TEXTS = {str, type(None)}


def few_texts(values: Sequence[Any]) -> list[Any] | None:
    """The different values of a column of texts and nulls, if they are at most half as many as all; else None."""
    return _few(values) if _may_be_few(values) and set(map(type, values)) <= TEXTS else None


def few_rows(columns: Sequence[Sequence[Any]], rows: Sequence[tuple[Any, ...]]) -> list[Any] | None:
    """As few_texts, of rows made of columns."""
    may_be_few = _may_be_few(rows) and all(set(map(type, column)) <= TEXTS for column in columns)
    return _few(rows) if may_be_few else None


def _may_be_few(values: Sequence[Any]) -> bool:
    sample = values[:SAMPLE]
    try:
        return 2 * len(set(sample)) <= len(sample)
    except TypeError:  # lists and the like
        return False


def _few(values: Sequence[Any]) -> list[Any] | None:
    different = set(values)
    return list(different) if 2 * len(different) <= len(values) else None


def spread(different: Sequence[Any], made: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """What was made of each different value, in all the places where that value stands."""
    return list(map(dict(zip(different, made, strict=True)).__getitem__, values))


def spread_column(different: Sequence[Any], made: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
    """The same, where it need not have been made yet."""
    if not isinstance(made, UnmadeColumn):
        return spread(different, made, values)
    texts = values if made.texts is different else spread(different, made.texts, values)
    return UnmadeColumn(texts, made.make)
