"""What must stay hidden on both sides of a mapping where some fields are masked. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from syncjobs.diffs import MASK
from syncjobs.mapping.compile import Mapper


def masked_targets(mapper: Mapper, masked: Collection[str]) -> set[str]:
    """The target fields that are masked, or made of a masked column."""
    named = (field.name for field in mapper.fields)
    return {name for name in named if name in masked or not set(masked).isdisjoint(mapper.columns_of(name))}


def masked_columns(mapper: Mapper, masked: Collection[str]) -> set[str]:
    """The source columns that are masked, or that masked target fields are made of."""
    feeding = (column for name in masked_targets(mapper, masked) for column in mapper.columns_of(name))
    return {*feeding, *masked}


def masked_value(field: str, code: str) -> str:
    """What is said of a masked value that does not fit."""
    return f"{field} has a masked value that does not fit ({code})"


def without_values(text: str, hidden: Iterable[str]) -> str:
    """A text in which each of these values is replaced by the mask, the longest first."""
    for value in sorted(filter(None, hidden), key=len, reverse=True):
        text = text.replace(value, MASK)
    return text
