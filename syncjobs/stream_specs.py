"""What a stream of a stream sync's configuration says, as frozen specs. Reads nothing, knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connectors.errors import ConfigError
from connectors.limits import LARGEST_VALUE_BYTES
from connectors.query_texts import CustomQuery
from connectors.records import Field, Filter, PartitionRequest, StreamSchema
from syncjobs.date_ranges import RangeSpec, WindowSpec
from syncjobs.mapping import ConfigProblems, FieldRule
from syncjobs.mapping.spec import Column, Constant
from syncjobs.stream_cursors import CursorSpec
from syncjobs.stream_splits import SplitSpec

Policy = Literal["stop", "ignore"]
EvolvingPolicy = Literal["stop", "ignore", "evolve"]
Mode = Literal["append", "upsert", "mirror", "replace"]


class SpecProblems(ConfigProblems):
    """A stream sync's configuration that can not be used."""


@dataclass(frozen=True, slots=True)
class SchemaPolicy:
    """What happens when the source's columns are no longer those last seen; `evolve` changes the target like them."""

    dropped: Policy = "stop"
    changed: EvolvingPolicy = "stop"
    added: EvolvingPolicy = "ignore"


@dataclass(frozen=True, slots=True)
class RejectPolicy:
    """What becomes of records that do not fit; the limits of one job that sets them aside: a number, a share of 1."""

    policy: Literal["stop", "quarantine"] = "stop"
    most: int = 100
    most_share: float = 1.0

    @property
    def sets_aside(self) -> bool:
        return self.policy == "quarantine"


@dataclass(frozen=True, slots=True)
class DeletePolicy:
    """What a mirror does with records that the source no longer has.

    soft leaves them and marks `field` with the time, or with true in a field of type boolean, until they come back.
    """

    policy: Literal["hard", "soft"] = "hard"
    field: str = ""
    type: Literal["datetime", "boolean"] = "datetime"


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream of a job type. `mapping` None keeps names and types of `columns` (None = all).

    `explicit_range` is set for one run (a backfill) and goes before `extent`. `batch_size` None lets the run choose.
    With a `query` the source is what that gives, and `source` only its name.
    """

    source: str
    target: str
    key: tuple[str, ...] = ()
    mode: Mode = "upsert"
    extent: Literal["full", "window", "incremental"] = "full"
    batch_size: int | None = None
    filters: tuple[Filter, ...] = ()
    cursor: CursorSpec | None = None
    window: WindowSpec | None = None
    explicit_range: RangeSpec | None = None
    query: str | None = None
    partition: PartitionRequest | None = None
    split: SplitSpec | None = None
    max_rows: int | None = None
    max_bytes: int | None = None
    max_value_bytes: int = LARGEST_VALUE_BYTES
    columns: tuple[str, ...] | None = None
    mapping: tuple[FieldRule, ...] | None = None
    on_reject: RejectPolicy = RejectPolicy()
    deletes: DeletePolicy = DeletePolicy()
    schema_policy: SchemaPolicy = SchemaPolicy()
    target_schema: Literal["create", "expect"] = "create"

    @property
    def deletion_mark(self) -> Field | None:
        """The target's field that tells deleted records from others, where deletes are soft."""
        if self.deletes.policy == "hard":
            return None
        return Field(self.deletes.field, self.deletes.type, nullable=self.deletes.type == "datetime")

    def rules(self, schema: StreamSchema) -> tuple[FieldRule, ...] | None:
        """The mapping; where deletes are soft each record that is read is also marked as not deleted."""
        mark = self.deletion_mark
        if mark is None:
            return self.mapping
        names = schema.names if self.columns is None else self.columns
        rules = tuple(FieldRule(name, Column(name)) for name in names) if self.mapping is None else self.mapping
        if any(rule.to == mark.name for rule in rules):
            raise ConfigError(
                "mark_not_free",
                f"{self.target}: the field {mark.name} is to mark deleted records, but the source fills it, too",
                hint="Name another field in deletes, or leave this one out of columns or mapping.",
            )
        return (*rules, FieldRule(mark.name, Constant(None if mark.nullable else False), mark.type))

    @property
    def is_incremental(self) -> bool:
        """Whether a run begins at the stored cursor and moves it; a backfill does neither."""
        return self.extent == "incremental" and self.explicit_range is None

    @property
    def custom_query(self) -> CustomQuery | None:
        """What is read instead of a table or the like, paged by the source's columns that make the key."""
        return None if self.query is None else CustomQuery(self.query, self.source_key, self.max_value_bytes)

    @property
    def source_key(self) -> tuple[str, ...]:
        """The source's columns that the key is made of; empty where one of its fields is not made of a column."""
        if self.mapping is None:
            return self.key
        origins = {rule.to: rule.origin for rule in self.mapping}
        names = [origin.name for name in self.key if isinstance(origin := origins.get(name), Column)]
        return tuple(names) if len(names) == len(self.key) else ()

    def target_field(self, source_field: str) -> str | None:
        """The target field that a source field is copied to as it is, perhaps with another type; None if none is."""
        if self.mapping is None:
            return source_field if self.columns is None or source_field in self.columns else None
        plain = (rule for rule in self.mapping if rule.origin == Column(source_field) and not rule.transforms)
        return next((rule.to for rule in plain), None)
