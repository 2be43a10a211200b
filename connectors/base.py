"""The contract of a connector: what a kind must offer so that syncs can read and write. No driver here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

from connectors.checks import CheckStep
from connectors.columns import ColumnRows
from connectors.errors import ConfigError
from connectors.field_numbers import NotFinite
from connectors.query_texts import CustomQuery
from connectors.records import Batch, Field, FieldType, Filter, ReadRequest, Record, StreamInfo, StreamSchema
from connectors.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind can do; forms and validation read it."""

    reads: bool = True
    writes: bool = False
    transactions: bool = False
    orders_by_key: bool = True
    reads_by_cursor: bool = False  # heeds ReadRequest.cursor
    resizes_batches: bool = False  # begins anew with another batch size at little cost
    queries: bool = False  # reads custom queries, and tables in ranges (ReadRequest.partition)
    splits: bool = False  # finds where ranges of a key may end (Connector.bounds)
    writes_beside: bool = False  # several jobs can write to one stream at the same time
    replaces: bool = False  # its writers are asides.AsideWriters, for the modes mirror and replace


Operation = Literal["insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One record's difference: `fields` is {name: [old, new]} in JSON forms, empty where only the key is kept."""

    operation: Operation
    key: dict[str, Any]
    fields: dict[str, list[Any]]


class RenderedChange(NamedTuple):
    """A RecordChange whose parts are JSON texts already: that of the key without blanks and sorted by its names."""

    operation: Operation
    key: str
    fields: str


KeptChange = RecordChange | RenderedChange
"""What is stored of a change."""


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Where and how a stream is written.

    `fields` are the target's columns in the order of the staged rows. `key` is empty only for append.
    In mode delete a staged row names a record by its key and is otherwise ignored; `fields` are what its change shows.
    `create` makes a missing table, `add_columns` missing columns; the columns in `widen` get the fields' types where
    those are wider. `keep_insert_values` puts [None, new] of what has a value into insert changes. A record whose
    field `deletion_mark` is true or holds a time is none that a mirror could miss.
    """

    stream: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    mode: Literal["append", "upsert", "delete"]
    create: bool = True
    dry_run: bool = False
    insert_enabled: bool = True
    update_enabled: bool = True
    delete_enabled: bool = True
    add_columns: bool = False
    widen: frozenset[str] = frozenset()
    keep_insert_values: bool = False
    deletion_mark: str | None = None


@dataclass(frozen=True, slots=True)
class TargetCheckpoint:
    """What the target knows of a job's stream: the last batch whose rows are in it, and where the source stood."""

    batch_no: int
    position: Any
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What writing the staged batch would do; staged = inserted + updated + unchanged + skipped + duplicates + deleted.

    In mode delete a record that the target does not have is skipped.
    """

    inserted: int
    updated: int
    unchanged: int
    skipped: int
    duplicates: int
    deleted: int = 0


class FenceLost(Exception):
    """Another, newer owner has taken the job's row at the target; stop without writing."""


class StreamWriter(ABC):
    """Writes one stream of one job in batches: begin → stage … → compare → changes → write → commit, again and again.

    For a single record that is looked at first: begin → lock → narrow → stage and so on.

    begin opens the target's transaction and takes the job's row in `_syncdeck_checkpoint` as its very first statement
    (creating it), provided its fence is not above ours, and so waits for a predecessor that is still writing.
    In a dry run nothing of this touches the target: staging lies in a temporary table that is rolled back.
    Every method may raise the errors of connectors.errors; after one of them call rollback.
    """

    writes_in_any_thread: ClassVar[bool] = False  # whether `write` may be called in another thread than the rest

    @abstractmethod
    def prepare(self) -> bool:
        """Create the checkpoint table and, if asked for and missing, the target, in a transaction of its own.

        Checks that every column exists, else DataError `column_mismatch`. Returns whether the target holds no record.
        A dry run creates nothing; a missing target counts as empty.
        """

    @abstractmethod
    def begin(self, job_token: str, fence: int) -> TargetCheckpoint | None:
        """Open the transaction and take the row (job_token, stream); None if there was none. Raises FenceLost."""

    @abstractmethod
    def lock(self, key: dict[str, Any]) -> Record | None:
        """The record as it is now, as `Connector.get` gives it, held until the transaction ends (not in a dry run).

        DataError `key_not_unique` where several records have this key.
        """

    @abstractmethod
    def narrow(self, request: WriteRequest) -> None:
        """Write this batch as `request` says: other fields or another mode of the same stream; before staging."""

    def spelled(self, rows: ColumnRows) -> ColumnRows:
        """The same rows, made ready for `stage` as far as that is possible: any thread may ask, at any time."""
        return rows

    @abstractmethod
    def stage(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows (decoded Python values, in the order of `fields`) to the staged batch."""

    @abstractmethod
    def compare(self) -> Comparison:
        """Compare the staged batch with the target on the key, set-based. Of equal keys the last staged one counts."""

    @abstractmethod
    def changes(self) -> Iterator[RecordChange]:
        """The differences that write() will make (never those that a switched-off operation skips), streamed."""

    def rendered_changes(self) -> Iterator[RenderedChange] | None:
        """The same as `changes`, where the system spells them quicker; else None."""
        return None

    @abstractmethod
    def write(self) -> None:
        """Make exactly the compared differences. DataError names field and constraint of the offending record."""

    @abstractmethod
    def commit(self, checkpoint: TargetCheckpoint) -> None:
        """Store the checkpoint with our fence and commit; afterwards the staged batch is empty again."""

    @abstractmethod
    def rollback(self) -> None:
        """Undo the open transaction, also after an error; never raises for a connection that is gone."""

    def finish(self) -> None:
        """After the last batch: bring to light what the kind may have put off, such as the writing of a large file."""
        return


class Connector(ABC):
    """One configured connection to one external system. Instances belong to one thread, `interrupt` excepted."""

    kind: ClassVar[str]
    label: ClassVar[str]
    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(
        self, slug: str, config: dict[str, Any], credentials: dict[str, str], surroundings: Surroundings | None = None
    ) -> None:
        self.slug = slug
        self.config = config
        self.credentials = credentials
        self.surroundings = surroundings or Surroundings()

    @classmethod
    @abstractmethod
    def spec(cls) -> dict[str, Any]:
        """{"config": JSON Schema, "credentials": JSON Schema}; schemas have titles and descriptions for the form."""

    @classmethod
    def check_config(cls, config: dict[str, Any]) -> None:  # noqa: ARG003 - the contract of kinds that do check
        """Refuse by ConfigError what the JSON Schema cannot express; asks no other system."""
        return

    @abstractmethod
    def address(self) -> str:
        """Where it connects to, without any secret: for logs and error texts."""

    @abstractmethod
    def check(self) -> Iterator[CheckStep]:
        """Test the connection in named steps, each yielded when done; stops after a step that makes others moot."""

    @abstractmethod
    def streams(self) -> list[StreamInfo]:
        """What can be read or written, by name."""

    @abstractmethod
    def schema(self, stream: str) -> StreamSchema:
        """The stream's typed fields; ConfigError `stream_not_found` names what there is."""

    @abstractmethod
    def read(self, request: ReadRequest) -> Iterator[Batch]:
        """Batches in a stable order with positions; an empty stream yields nothing."""

    def define_query(self, stream: str, query: CustomQuery) -> None:
        """From now on read `stream` from the custom query. Raises ConfigError where the query is refused."""
        raise ConfigError("no_queries", f"{self.slug}: kind '{self.kind}' runs no queries", hint="Leave query out.")

    def can_resize(self, stream: str) -> bool:
        """Whether reading it anew from a position, with another batch size, costs little."""
        return self.capabilities.resizes_batches

    def estimate(self, stream: str, filters: tuple[Filter, ...] = ()) -> int | None:
        """About what `count` would say, where the system knows it without looking at the records; else None."""
        return None

    @abstractmethod
    def count(self, stream: str, filters: tuple[Filter, ...] = ()) -> int:
        """How many records hold the filters."""

    def bounds(self, stream: str, field: str, parts: int, filters: tuple[Filter, ...] = ()) -> list[Any]:
        """At most `parts` - 1 values of the field (JSON forms, ascending) that cut its records into about equal parts.

        Ascending is meant as filters compare: each record is in exactly one range from a value to before the next.
        """
        raise ConfigError("no_ranges", f"{self.slug}: kind '{self.kind}' finds no ranges", hint="Leave split out.")

    def get(self, stream: str, key: dict[str, Any]) -> Record | None:
        """The one record with this key."""
        filters = tuple(Filter(name, "eq", value) for name, value in key.items())
        for batch in self.read(ReadRequest(stream, key=tuple(key), filters=filters, batch_size=1)):
            for row in batch.rows:
                return Record(dict(zip(batch.names, row, strict=True)))
        return None

    def connect_ahead(self, stream: str) -> None:
        """A kind may begin to connect for a writer to come, while something else is done; raises nothing."""
        return

    def writer(self, request: WriteRequest) -> StreamWriter:
        """A writer for one stream of one job; ConfigError where the kind only reads."""
        raise ConfigError(
            "read_only_kind",
            f"{self.slug}: connectors of kind '{self.kind}' can only be read from",
            hint="Choose a target connector of a kind that can be written to.",
        )

    def keeps(self, field_type: FieldType, number: NotFinite) -> bool:
        """Whether targets hold this number in fields of that type; otherwise a record that has it is refused."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Let go of connections; may be called twice."""
