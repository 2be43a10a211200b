"""Formats of binary files, whose library is loaded when they are first asked for: it takes time and memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import IO, Any

from connectors.errors import ConfigError
from connectors.files_places import Place
from connectors.files_records import OpenRecords
from connectors.records import Field

PARQUET_HINT = "Add it with: pip install 'syncdeck[parquet]'"


class BinaryFormat(ABC):
    """Reads and writes one format; raises DataError `broken_file` for what is none of it."""

    @abstractmethod
    def fields(self, place: Place) -> tuple[Field, ...]:
        """The columns of a file."""

    @abstractmethod
    def open(self, place: Place, names: Sequence[str], needed: Iterable[str]) -> AbstractContextManager[OpenRecords]:
        """A file's records with these columns; those that are not needed come without values."""

    @abstractmethod
    def write(
        self,
        file: IO[bytes],
        fields: Sequence[Field],
        digits: Mapping[str, tuple[int, int]],
        parts: Iterable[Sequence[tuple[Any, ...]]],
    ) -> None:
        """Write records as a working copy stores them. `digits` are the most of decimals before and behind the point.

        Raises DataError `invalid_value`.
        """


@cache
def parquet() -> BinaryFormat:
    """Raises ConfigError `format_not_usable` where the extra is missing."""
    try:
        module = import_module("connectors.files_parquet")
    except ModuleNotFoundError as error:
        raise ConfigError(
            "format_not_usable",
            f"the format parquet needs the Python module {error.name}, which is not installed",
            hint=PARQUET_HINT,
        ) from error
    found: BinaryFormat = module.Parquet()
    return found


def missing_formats() -> str:
    """What to tell of formats that cannot be used here; empty where all can."""
    return "" if find_spec("pyarrow") else f" parquet is not installed. {PARQUET_HINT}"
