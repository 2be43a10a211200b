"""Records that go from one system to another of its family as they are sent, without a Python object: the contract.

A mapping that can be said as expressions is computed by the source while it reads. Only kinds of one family understand
each other's blocks; whoever moves records asks both sides, and takes the ordinary way where one declines.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from connectors.base import Connector, StreamWriter
from connectors.expressions import Expression
from connectors.records import Field, ReadRequest

Format = Literal["binary", "text"]
"""binary converts nothing, so that it needs the same type on both sides; text converts as the systems read it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read of a record: the target's fields, each made by an expression over the source's columns.

    A portion with a record of which `doubts` is true, or that has more than `most_bytes`, is not sent. `counted` are
    conditions that are counted.
    """

    columns: tuple[tuple[Field, Expression], ...]
    doubts: Expression | None = None
    counted: tuple[Expression, ...] = ()
    most_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Portion:
    """The records after one position of the source (None = its beginning), up to and with another.

    `highest` is that of the cursor's field, in its JSON form, where one was asked for. `is_last` says that nothing came
    after it when it was looked for. `empty` is how many records have no value for the cursor, if they were counted.
    """

    after: Any
    upto: Any
    highest: Any = None
    is_last: bool = False
    empty: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What else is asked of a portion: how many records meet each counted condition, and a field's highest value."""

    counted: tuple[int, ...] = ()
    highest: Any = None


class Parcel(ABC):
    """The blocks of a portion, sent once; `records` and `byte_count` are known when all were taken.

    `ranges` are the least (None = any) and the greatest value of some fields, as far as the portion tells.
    """

    form: Format
    ranges: Mapping[str, tuple[int | None, int]] = MappingProxyType({})
    records: int = 0
    byte_count: int = 0

    @abstractmethod
    def blocks(self) -> Generator[bytes]:
        """Take them. DataError where a record is doubtful or can not be sent."""


class StraightReader(ABC):
    """Sends one stream of one run in portions."""

    unique_keys: tuple[frozenset[str], ...]  # columns of the source in which no two records are alike

    @abstractmethod
    def record_bytes(self) -> float | None:
        """The mean of a few records as text; None where they may be so large that they must be read with care."""

    @abstractmethod
    def portion(self, after: Any, size: int, *, about: bool = False) -> Portion | None:
        """The next `size` records (fewer at the end) after a position; None where there are none.

        `about` allows that it is all of the stream where the system expects no more than that, or little more.
        """

    @abstractmethod
    def facts(self, portion: Portion, field: str | None) -> Facts:
        """Count the selection's conditions; with `field` also look for its highest value."""

    @abstractmethod
    def parcel(self, portion: Portion, form: Format) -> Parcel:
        """Make a portion ready to be sent."""


class StraightSource(Connector):
    """A connector that can send."""

    family: ClassVar[str]

    @abstractmethod
    def straight_reader(self, request: ReadRequest, selection: Selection) -> StraightReader | None:
        """A reader; None where the stream can not be sent in portions. Raises as `read` does."""


class StraightWriter(StreamWriter):
    """A writer that can also receive: begin → stage_parcel → compare … as ever, or begin → load_parcel → commit."""

    family: ClassVar[str]

    @abstractmethod
    def form(self, fields: tuple[Field, ...]) -> Format | None:
        """How it takes these fields; None where it would not store what `stage` stores."""

    @abstractmethod
    def stage_parcel(self, parcel: Parcel, *, is_distinct: bool) -> None:
        """Stage all records; `is_distinct` promises that no two of them have the same key.

        DataError where a record does not fit; it is not named.
        """

    @abstractmethod
    def can_load(self) -> bool:
        """Whether the target itself refuses every record that would not be a plain insert."""

    @abstractmethod
    def load_parcel(self, parcel: Parcel) -> None:
        """Write all records as new ones into the target. DataError where one does not fit; it is not named."""

    @abstractmethod
    def load_rows(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """As load_parcel, of rows as `stage` takes them; may be called several times in a batch."""
