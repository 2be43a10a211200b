"""A mapping made into functions over batches: source rows in, typed target rows and rejects out. Asks no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress
from typing import Any

from connectors.columns import ColumnRows, columns_of
from connectors.errors import DataError
from connectors.records import Field, StreamSchema
from syncjobs.mapping.columns import Keeps, Refusals, RowReject, Step, decode_column, decoder, keeps_none, run_step
from syncjobs.mapping.origins import Gather, compile_origin, origin_may_be_null, origin_type
from syncjobs.mapping.problems import list_words
from syncjobs.mapping.repeats import few_texts, spread_column
from syncjobs.mapping.spec import Column, FieldRule
from syncjobs.mapping.transforms import Alteration, build_step, result_type

MOST_NAMED = 30
Altered = dict[Alteration, set[int]]
"""The indexes of values that are counted, by what was done to them."""
WHOLE_TYPES = frozenset({"integer", "bigint"})


@dataclass(frozen=True, slots=True)
class MappedRows:
    """The mapped part of a batch.

    `rows` in the order of Mapper.fields; `kept[i]` is the source index of `rows[i]`; `rejects` holds the others, one
    each; `nulled` and `stripped` count per target field the values of kept rows that bounds turned into null, and those
    that lost NUL characters.
    """

    rows: ColumnRows
    kept: Sequence[int]
    rejects: list[RowReject]
    nulled: dict[str, int]
    stripped: dict[str, int]


def nothing_altered() -> Altered:
    """No index yet of any value."""
    return {"nulled": set(), "stripped": set()}


@dataclass(frozen=True, slots=True)
class CompiledField:
    """One target field: its rule, its type, the source field of a plain rename, and its functions, each with what the
    values that it alters are counted as.
    """

    rule: FieldRule
    field: Field
    source: Field | None
    gather: Gather
    steps: tuple[tuple[Step, Alteration | None], ...]
    decode: Step

    def run(self, columns: Mapping[str, list[Any]], size: int, refusals: Refusals, altered: Altered) -> Sequence[Any]:
        """The field's values for the whole batch; `altered` takes the indexes of those that are counted."""
        values = self.gather(columns, size, refusals)
        different = few_texts(values) if self.steps or self.field.type != "text" else None
        if different is not None:
            own, of_few = Refusals(), nothing_altered()
            made = self._convert(different, own, of_few)
            if not own.by_index:  # else each record must be named, so all are looked at
                for kind, places in of_few.items():
                    if meant := {different[index] for index in places}:
                        altered[kind].update(index for index, value in enumerate(values) if value in meant)
                return spread_column(different, made, values)
        return self._convert(values, refusals, altered)

    def _convert(self, values: list[Any], refusals: Refusals, altered: Altered) -> Sequence[Any]:
        name = self.field.name
        for step, counted_as in self.steps:
            before, values = values, run_step(step, values, name, refusals)
            if counted_as is not None and values != before:
                altered[counted_as].update(_changed_places(before, values, to_null=counted_as == "nulled"))
        decoded = decode_column(self.field.type, self.decode, values, name, refusals)
        if self.rule.required:
            for index, value in enumerate(decoded):
                if value is None or (isinstance(value, str) and not value.strip()):
                    refusals.add(index, name, "required", "has no value, which the mapping requires")
        return decoded


def _changed_places(before: list[Any], after: list[Any], *, to_null: bool) -> Iterator[int]:
    """Where a value was made null, or another value."""
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        if old is not new and (new is None) == to_null and old is not None and old != new:
            yield index


class Mapper:
    """A compiled mapping. `fields` are the target's columns, `source_columns` what must be read of the source."""

    def __init__(self, compiled: tuple[CompiledField, ...]) -> None:
        self._compiled = compiled
        self.fields = tuple(item.field for item in compiled)
        self.source_columns = tuple(dict.fromkeys(name for item in compiled for name in item.rule.source_columns))

    def only(self, target_names: Collection[str]) -> Mapper:
        """A mapper of these target fields alone."""
        return Mapper(tuple(item for item in self._compiled if item.field.name in target_names))

    def columns_of(self, target_name: str) -> tuple[str, ...]:
        """All source columns from which a target field is made."""
        item = self._get(target_name)
        return item.rule.source_columns if item else ()

    def source_of(self, target_name: str) -> str | None:
        """The source column that a target field is made of, however it is cleaned; None for constants and the like."""
        item = self._get(target_name)
        return item.source.name if item and item.source else None

    def keeps_values(self, target_name: str) -> bool:
        """Whether a target field holds its source column's own values (or null), so that both sides order alike."""
        item = self._get(target_name)
        if item is None or item.source is None:
            return False
        has_same_type = item.source.type == item.field.type or {item.source.type, item.field.type} <= WHOLE_TYPES
        return has_same_type and all(transform.keeps_values for transform in item.rule.transforms)

    def map_rows(self, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> MappedRows:
        """Map a batch whose columns are `names`. A bad row is a reject, never an exception.

        Raises DataError `column_mismatch` where a needed column is not among `names`.
        """
        check_columns(self.source_columns, names, "the mapping")
        columns = dict(zip(names, columns_of(rows, len(names)), strict=True))
        refusals = Refusals()
        altered = {item.field.name: nothing_altered() for item in self._compiled}
        mapped = [item.run(columns, len(rows), refusals, altered[item.field.name]) for item in self._compiled]
        rejected, kept = refusals.by_index, list(range(len(rows)))
        if rejected:
            is_kept = [index not in rejected for index in kept]
            mapped = [list(compress(column, is_kept)) for column in mapped]
            kept = list(compress(kept, is_kept))
        return MappedRows(
            rows=ColumnRows(mapped, len(kept)),
            kept=kept,
            rejects=[rejected[index] for index in sorted(rejected)],
            nulled=_numbers(altered, "nulled", rejected),
            stripped=_numbers(altered, "stripped", rejected),
        )

    def _get(self, target_name: str) -> CompiledField | None:
        return next((item for item in self._compiled if item.field.name == target_name), None)


def _numbers(altered: Mapping[str, Altered], kind: Alteration, rejected: Collection[int]) -> dict[str, int]:
    """How many values were altered by field, without those of rejected records."""
    return {name: number for name, found in altered.items() if (number := len(found[kind].difference(rejected)))}


def compile_mapping(
    rules: tuple[FieldRule, ...] | None,
    schema: StreamSchema,
    columns: tuple[str, ...] | None,
    today: date,
    keeps: Keeps = keeps_none,
) -> Mapper:
    """The functions of a mapping for a source with `schema`; no rules = `columns` (None = all) as they are.

    `today` says what this_year and next_year are, `keeps` which numbers that are not finite may pass. Raises DataError
    `column_mismatch` where a needed column is missing in the source, ConfigError where a condition can not be compared
    with its field.
    """
    if rules is None:
        wanted = schema.names if columns is None else columns
        check_columns(wanted, schema.names, "the columns setting")
        rules = tuple(FieldRule(name, Column(name)) for name in wanted)
    needed = dict.fromkeys(name for rule in rules for name in rule.source_columns)
    check_columns(tuple(needed), schema.names, "the mapping")
    return Mapper(tuple(_compile_rule(rule, schema, today, keeps) for rule in rules))


def check_columns(needed: tuple[str, ...], found: tuple[str, ...], needed_by: str) -> None:
    """Raise DataError `column_mismatch` that names the `needed` columns which are not among `found`."""
    missing = [f"'{name}'" for name in needed if name not in found]
    if missing:
        word = "column" if len(missing) == 1 else "columns"
        known = ", ".join(found[:MOST_NAMED]) + (f" and {len(found) - MOST_NAMED} more" if found[MOST_NAMED:] else "")
        raise DataError(
            "column_mismatch",
            f"{word} {list_words(missing, 'and')} missing in source (needed by {needed_by}; source has: {known})",
            hint="Mend the mapping or the query, or bring the column back at the source.",
        )


def _compile_rule(rule: FieldRule, schema: StreamSchema, today: date, keeps: Keeps) -> CompiledField:
    field_type = origin_type(rule, schema)
    may_be_null = origin_may_be_null(rule, schema)
    for transform in rule.transforms:
        field_type = result_type(transform, field_type)
        may_be_null = may_be_null or transform.may_make_null
    source = schema.get(rule.origin.name) if isinstance(rule.origin, Column) else None
    length = source.length if source and not rule.transforms else None
    field = Field(rule.to, rule.type or field_type, nullable=may_be_null and not rule.required, length=length)
    steps = tuple((build_step(transform, today), transform.counted_as) for transform in rule.transforms)
    return CompiledField(rule, field, source, compile_origin(rule, schema), steps, decoder(field, keeps))
