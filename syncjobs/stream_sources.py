"""What of a stream's configuration does not go with its source's fields, once those are known; and rings of streams."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.records import StreamSchema
from syncjobs.mapping.problems import quote
from syncjobs.mapping.spec import Choice, Column, FieldRule
from syncjobs.mapping.templates import Template
from syncjobs.stream_specs import StreamSpec

MOST_NAMED = 30


def source_problems(spec: StreamSpec, schema: StreamSchema, place: str) -> list[str]:
    """Every field that the stream asks for and the source has not, with its path; `place` is that of the stream."""
    names = ", ".join(schema.names[:MOST_NAMED])
    more = f" and {len(schema.fields) - MOST_NAMED} more" if len(schema.fields) > MOST_NAMED else ""
    return [
        f"{path}: {quote(name)} is not a field of {spec.source} (it has: {names}{more})"
        for path, name in _needed(spec, place)
        if name not in schema.names
    ]


def _needed(spec: StreamSpec, place: str) -> Iterator[tuple[str, str]]:
    """(path, field of the source) of everything that is read by name."""
    for number, rule in enumerate(spec.mapping or ()):
        yield from _of_rule(rule, f"{place}.mapping[{number}]")
    for name in spec.columns or ():
        yield f"{place}.columns", name
    for name in spec.key if spec.mapping is None else ():
        yield f"{place}.key", name
    for number, item in enumerate(spec.filters):
        yield f"{place}.filters[{number}].field", item.field
    if spec.extent == "incremental" and spec.cursor is not None:
        yield f"{place}.cursor.field", spec.cursor.field
    if spec.partition is not None:
        yield f"{place}.partition.field", spec.partition.field
    if spec.extent == "window" and spec.window is not None:
        yield f"{place}.window.field", spec.window.field


def _of_rule(rule: FieldRule, path: str) -> Iterator[tuple[str, str]]:
    match rule.origin:
        case Column(name):
            yield f"{path}.from", name
        case Template():
            for name in rule.origin.columns:
                yield f"{path}.template", name
        case Choice(cases):
            for number, (condition, _) in enumerate(cases):
                yield f"{path}.case[{number}].when.field", condition.field


def ring_problems(specs: tuple[StreamSpec, ...]) -> list[str]:
    """Streams of one system that write, perhaps by way of others, to what they read; queries are not looked into."""
    targets: dict[str, list[str]] = {}
    for spec in specs:
        if spec.query is None:
            targets.setdefault(spec.source, []).append(spec.target)
    return [
        f"streams[{number}].target: what is read from {quote(spec.source)} would be written back to it; "
        "choose another target or another connector"
        for number, spec in enumerate(specs)
        if spec.query is None and spec.source in _reached(spec.target, targets)
    ]


def _reached(start: str, targets: dict[str, list[str]]) -> set[str]:
    """Everything that is written in the end where `start` is written."""
    found, left = set(), [start]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += targets.get(name, [])
    return found
