"""The frozen shapes that every connector reads and writes, with their types from field_types. No input or output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from connectors.field_types import TYPES, FieldType, decode_value, encode_value

__all__ = [
    "TYPES",
    "Batch",
    "CursorRequest",
    "Field",
    "FieldType",
    "Filter",
    "MutableRecord",
    "Operator",
    "OversizedValue",
    "PartitionRequest",
    "Prepare",
    "ReadRequest",
    "Record",
    "StreamInfo",
    "StreamSchema",
    "Unread",
    "decode_value",
    "encode_value",
    "key_text",
]

Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "like", "regex", "is_null"]


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its name, one of the eleven types, whether it may be empty, and the most characters of a text."""

    name: str
    type: FieldType
    nullable: bool = True
    description: str = ""
    length: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class StreamSchema:
    """The typed fields of a stream in their own order; `key` is empty where the system names none."""

    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    cursor_candidates: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.fields)

    def get(self, name: str) -> Field | None:
        return next((item for item in self.fields if item.name == name), None)


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream as listed: the name used in job types, a label for people, an estimate of its records if it is cheap.

    `kind` is the sort of thing that it is, in a word: table, view, dataset, file.
    """

    name: str
    label: str = ""
    estimate: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """One structured condition, e.g. Filter("country", "in", ["US", "CA"]); `is_null` takes true or false."""

    field: str
    operator: Operator
    value: Any = None


@dataclass(frozen=True, slots=True)
class CursorRequest:
    """Read only records that have a value in `field`, ordered by it and then by key.

    `start` is the least value that is read (with `is_inclusive` off: the greatest that is not), in any form that the
    field's type decodes; None = from the lowest.
    """

    field: str
    start: Any = None
    is_inclusive: bool = True


@dataclass(frozen=True, slots=True)
class PartitionRequest:
    """Read in ranges of `field` that hold about `rows` records each, one after another; those without a value last."""

    field: str
    rows: int


Prepare = Callable[[tuple[str, ...], Sequence[tuple[Any, ...]]], Any]
"""Makes something of a batch's names and rows. It may be called in another thread, so it tells and asks nobody."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What to read of a stream: columns (None = all), filters (all must hold), where to go on, how much at a time.

    `position` is a JSON value taken from an earlier Batch of the same stream, key, filters and cursor field; None =
    from the start. `batch_size` is the upper bound of records in a batch; where nothing tells records apart, those that
    are equal in order to the last one come with it all the same. With `sets_aside` a single record that cannot be read
    comes in `Batch.unread`; otherwise it ends the reading with a DataError. With `may_read_ahead` the next batch may be
    asked for while this one is worked on; kinds that do so have `prepare` make `Batch.prepared` of each batch in the
    thread that reads. Where the system can measure values before it sends them, one of more than `largest_value` bytes
    comes as an OversizedValue.
    """

    stream: str
    columns: tuple[str, ...] | None = None
    key: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    position: Any = None
    batch_size: int = 50_000
    cursor: CursorRequest | None = None
    partition: PartitionRequest | None = None
    sets_aside: bool = False
    may_read_ahead: bool = False
    prepare: Prepare | None = field(default=None, compare=False)
    largest_value: int | None = None


@dataclass(frozen=True, slots=True)
class OversizedValue:
    """Stands for a value that was left where it is, since it has more bytes than are wanted; its length is theirs."""

    byte_count: int

    def __len__(self) -> int:
        return self.byte_count


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that could not be read: why (without its place, which `Batch.where` tells), and its own text."""

    reason: str
    text: str


def _never(_seconds: float) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Batch:
    """Records as tuples in the order of `names`; a value is a Python object of its type or its JSON text form.

    `position` continues the reading after the last record; None means that this stream can not be resumed.
    `byte_count` is what was transferred or a fair estimate of it. `highest` is, where a cursor was asked for, the
    highest value of its field in its JSON form; values that are none of their type (a time "infinity") do not count.
    `oversized` says of some places in `rows` which field's value was too large to be read: (field, its bytes).
    `unread` says for some places in `rows` that the row there is empty, since its record could not be read. `where`
    names the place of a row's record in the system (`items.csv, line 4`), if it has one. `prepared` is what
    `ReadRequest.prepare` made of the rows, if that was done. `next_comes_within` waits at most so many seconds for the
    next batch, and tells whether that is there.
    """

    names: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    position: Any
    byte_count: int = 0
    highest: Any = None
    unread: Mapping[int, Unread] = field(default_factory=dict)
    where: Callable[[int], str] | None = None
    oversized: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    prepared: Any = None
    next_comes_within: Callable[[float], bool] = _never


class Record(Mapping[str, Any]):
    """One record with attribute and item access, as hooks see documents of connector streams."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", dict(values))

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_values":  # asked for by copy and pickle, before there are values
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(self._no_field(name)) from None

    def _no_field(self, name: str) -> str:
        return f"the record has no field '{name}' (it has: {', '.join(self._values)})"

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"


class MutableRecord(Record):
    """A record that a hook may change; it has the fields of its stream, no more and no fewer."""

    __slots__ = ()

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._values:
            raise KeyError(self._no_field(name))
        self._values[name] = value

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_values":
            object.__setattr__(self, name, value)
        elif name not in self._values:
            raise AttributeError(self._no_field(name))
        elif hasattr(type(self), name):  # it would read as the method again
            raise AttributeError(f"the field '{name}' must be set as record['{name}']")
        else:
            self._values[name] = value


def key_text(key: Mapping[str, Any]) -> str:
    """A record's key as people read it: `icao=KJFK`, or `crash_record_id=…, person_id=…`."""
    return ", ".join(f"{name}={value}" for name, value in key.items())
