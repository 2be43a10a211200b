"""What became of a source's columns since they were last seen, and what a policy makes of that. Asks no database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from connectors.field_types import FieldType, is_widening
from connectors.records import Field, StreamSchema
from syncjobs.mapping.problems import list_words
from syncjobs.stream_specs import SchemaPolicy

CODE = "schema_drift"
FAILURES_IN_A_ROW = 5  # of one schedule, before it switches itself off
MOST_NAMED = 30
Columns = Mapping[str, str]
"""{name: type} of a stream; a text of limited length is `text(10)`."""


def columns_of(schema: StreamSchema) -> dict[str, str]:
    """The canonical form of a schema: whatever the order of its columns, equal ones are equal."""
    return {item.name: _type_word(item) for item in sorted(schema.fields, key=lambda item: item.name)}


def type_of(word: str) -> FieldType:
    """The field type without a length."""
    return cast("FieldType", word.partition("(")[0])


def _type_word(item: Field) -> str:
    return f"{item.type}({item.length})" if item.length else item.type


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """How one schema differs from the one before."""

    dropped: dict[str, str]
    added: dict[str, str]
    changed: dict[str, tuple[str, str]]

    def as_json(self) -> dict[str, Any]:
        """Only what there is of the three."""
        changed = {name: list(types) for name, types in self.changed.items()}
        parts: dict[str, dict[str, Any]] = {"dropped": self.dropped, "added": self.added, "changed": changed}
        return {name: part for name, part in parts.items() if part}


def compare_schemas(had: Columns, now: Columns) -> SchemaDiff:
    """What was dropped, added and given another type."""
    return SchemaDiff(
        dropped={name: had[name] for name in had if name not in now},
        added={name: now[name] for name in now if name not in had},
        changed={name: (had[name], now[name]) for name in had if name in now and had[name] != now[name]},
    )


def diff_lines(differences: Mapping[str, Any]) -> list[str]:
    """A stored difference in words, a line for each column: `b (text) is gone`."""
    return [
        *(f"{name} ({kind}) is gone" for name, kind in sorted(differences.get("dropped", {}).items())),
        *(f"{name} ({kind}) is new" for name, kind in sorted(differences.get("added", {}).items())),
        *(f"{name} was {old}, is {new}" for name, (old, new) in sorted(differences.get("changed", {}).items())),
    ]


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The schema that runs go by: the one last accepted, less what they leave out of it, and what earlier ones used."""

    columns: Columns
    ignored: Collection[str] = ()
    ever_used: Collection[str] = ()


@dataclass(slots=True)
class Judgement:
    """What a policy says of a schema: `refusals` stop the run, `ignored` columns are left out, `warnings` told."""

    refusals: list[str] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


def judge_schema(policy: SchemaPolicy, seen: LastSeen, now: Columns, used: Collection[str] | None) -> Judgement:
    """Judge the columns that the source has now; `used` are those that the run needs, None for all of them."""
    found = Judgement()
    diff = compare_schemas(seen.columns, now)
    fresh = [name for name in now if name not in seen.ever_used and (name in diff.added or name in seen.ignored)]
    _judge_dropped(policy, diff, seen, now, used, fresh, found)
    _judge_changed(policy, diff, used, found)
    _judge_added(policy, fresh, used, found)
    return found


def _judge_dropped(
    policy: SchemaPolicy,
    diff: SchemaDiff,
    seen: LastSeen,
    now: Columns,
    used: Collection[str] | None,
    fresh: list[str],
    found: Judgement,
) -> None:
    gone = [name for name in diff.dropped if name not in seen.ignored and (used is None or name in used)]
    if not gone:
        return
    text = f"{_columns(gone)} missing in source (had: {_names(seen.columns)}; now: {_names(now)})"
    alike = [name for name in fresh if now[name] == diff.dropped[gone[0]]]
    if len(gone) == 1 and len(alike) == 1:
        text += f"; perhaps it is called '{alike[0]}' now"
    if policy.dropped == "stop":
        found.refusals.append(text)
    elif used is not None:
        found.refusals.append(f"{text}; the stream's mapping, columns or key need it")
    else:
        found.warnings.append(f"{text}: no longer read; the target keeps its column")


def _judge_changed(policy: SchemaPolicy, diff: SchemaDiff, used: Collection[str] | None, found: Judgement) -> None:
    judged = {name: types for name, types in diff.changed.items() if used is None or name in used}
    retyped = {name: types for name, types in judged.items() if type_of(types[0]) != type_of(types[1])}
    if not retyped:
        return
    narrowed = {name: types for name, types in retyped.items() if not is_widening(*map(type_of, types))}
    if policy.changed == "stop":
        found.refusals.append(f"the type changed in the source: {_moves(retyped)}")
    elif policy.changed == "evolve" and narrowed:
        found.refusals.append(
            f"the type changed in the source: {_moves(narrowed)}; evolve follows only to a wider type, such as integer"
            " to bigint"
        )
    else:
        found.warnings.append(f"the type changed in the source: {_moves(retyped)}")


def _judge_added(policy: SchemaPolicy, fresh: list[str], used: Collection[str] | None, found: Judgement) -> None:
    if not fresh:
        return
    if policy.added == "stop":
        found.refusals.append(f"{_columns(fresh)} new in source")
        return
    left_out = fresh if policy.added == "ignore" else []
    if used is None:
        found.ignored.update(left_out)
    else:
        left_out = [name for name in fresh if name not in used]
    if left_out:
        shown = ", ".join(left_out[:MOST_NAMED]) + _rest(len(left_out))
        found.warnings.append(f"new columns in source are ignored: {shown}")


def _columns(names: list[str]) -> str:
    word = "column" if len(names) == 1 else "columns"
    shown = [f"'{name}'" for name in names[:MOST_NAMED]]
    return f"{word} {list_words(shown, 'and')}{_rest(len(names))}"


def _names(columns: Iterable[str]) -> str:
    names = sorted(columns)
    return ",".join(names[:MOST_NAMED]) + _rest(len(names))


def _rest(number: int) -> str:
    return f" and {number - MOST_NAMED} more" if number > MOST_NAMED else ""


def _moves(changed: Mapping[str, tuple[str, str]]) -> str:
    moves = [f"'{name}' from {old} to {new}" for name, (old, new) in changed.items()]
    return ", ".join(moves[:MOST_NAMED]) + _rest(len(moves))


def is_drift(failure: Mapping[str, Any] | None) -> bool:
    """Whether a job's failure says that the source's columns changed."""
    return failure is not None and failure.get("code") == CODE
