"""A tree of texts as templates draw it: each field with its name, title, help, choices and what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from syncjobs.portal.schema_forms.notations import LITERAL, NUMERIC
from syncjobs.portal.schema_forms.shapes import Kind, kind_of, notation_of, one_of, properties_of, required_of
from syncjobs.portal.schema_forms.texts import AS_JSON, CLOSED, ONE, REST, WAS, Schema, Tree

PATH_OF_PROBLEM = re.compile(r"([A-Za-z_][^\s:]*): (.+)", re.DOTALL)
MISSING = re.compile(r"'([^']+)' is required")


@dataclass(slots=True)
class Node:
    """A part of the form. `fields` has the parts of a group by name, `rows` those of a list."""

    name: str
    kind: str
    title: str
    help: str = ""
    text: str = ""
    is_required: bool = False
    is_numeric: bool = False
    choices: list[tuple[str, str]] = field(default_factory=list)
    suggestions: str = ""
    """The id of the list of values to choose from, for a field that names one of the source's."""
    problems: list[str] = field(default_factory=list)
    fields: dict[str, Node] = field(default_factory=dict)
    rows: list[Node] = field(default_factory=list)
    rest: str = ""
    """What is kept besides, as JSON."""
    was: str = ""
    one: str = ""
    """Which of several properties is meant."""
    ones: list[tuple[str, str]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    """What a view adds for its template."""

    @property
    def id(self) -> str:
        return "f-" + re.sub(r"[^A-Za-z0-9]+", "-", self.name).strip("-")

    @property
    def is_json(self) -> bool:
        return self.kind == "json"

    @property
    def is_closed(self) -> bool:
        return self.kind == "closed"

    @property
    def rest_shown(self) -> str:
        """What is kept besides and no field shows by being empty: unknown settings, without explicit nulls."""
        kept = json.loads(self.rest) if self.rest.startswith("{") else {}
        return ", ".join(f"{name} = {json.dumps(kept[name])}" for name in kept if name not in self.fields)

    @property
    def all_problems(self) -> int:
        """How many problems it and its parts have."""
        return len(self.problems) + sum(part.all_problems for part in (*self.fields.values(), *self.rows))

    @property
    def all_problems_text(self) -> str:
        """As "2 problems"."""
        return f"{self.all_problems:,} problem{'' if self.all_problems == 1 else 's'}"

    def walk(self) -> Iterator[Node]:
        """It and all its parts."""
        yield self
        for part in (*self.fields.values(), *self.rows):
            yield from part.walk()


def draw(schema: Schema, tree: Tree, name: str, *, title: str = "", is_required: bool = False) -> Node:
    """The part of the schema at that name, with the texts that it has."""
    heading = title or schema.get("title") or name.rpartition(".")[2].replace("_", " ").capitalize()
    node = Node(name, kind_of(schema).value, heading, schema.get("description", ""), is_required=is_required)
    if isinstance(tree, dict) and (AS_JSON in tree or CLOSED in tree):
        node.kind = "json" if AS_JSON in tree else "closed"
        node.text = str(tree.get(AS_JSON, tree.get(CLOSED)))
    elif node.kind == Kind.GROUP:
        _draw_group(node, schema, tree if isinstance(tree, dict) else {})
    elif node.kind == Kind.ROWS:
        rows = tree if isinstance(tree, list) else []
        node.rows = [draw(schema["items"], row, f"{name}[{number}]") for number, row in enumerate(rows)]
    else:
        _draw_field(node, schema, tree if isinstance(tree, str) else "")
    return node


def _draw_group(node: Node, schema: Schema, tree: dict[str, Tree]) -> None:
    needed, properties = required_of(schema, tree), properties_of(schema, tree)
    if names := one_of(schema):
        node.one = str(tree.get(ONE) or names[0])
        node.ones = [(name, properties[name].get("title", name)) for name in names]
    node.rest, node.was = str(tree.get(REST, "")), str(tree.get(WAS, ""))
    for name, rules in properties.items():
        if name not in names or name == node.one:
            node.fields[name] = draw(rules, tree.get(name, ""), f"{node.name}.{name}", is_required=name in needed)


def _draw_field(node: Node, schema: Schema, text: str) -> None:
    node.text = text
    if node.kind == Kind.CHOICE:
        node.choices = _choices(schema, text, is_required=node.is_required)
        node.text = text or ("" if node.is_required else str(schema.get("default", "")))
    elif node.kind != Kind.CHECK:
        notation = notation_of(schema)
        node.is_numeric = notation is NUMERIC
        if "\n" in text:
            node.kind = Kind.BLOCK.value
        if notation is not LITERAL or node.kind == Kind.BLOCK:
            node.help = f"{node.help} {notation.hint}".strip()
        if "default" in schema:
            node.extra["placeholder"] = str(schema["default"])


def _choices(schema: Schema, text: str, *, is_required: bool) -> list[tuple[str, str]]:
    known = [str(choice) for choice in schema["enum"]]
    blank = [] if "default" in schema or (is_required and text) else [("", "not set")]
    unknown = [(text, f"{text} (not known)")] if text and text not in known else []
    return [*blank, *((choice, choice.replace("_", " ")) for choice in known), *unknown]


def place_problems(node: Node, sentences: list[str]) -> list[str]:
    """Put each sentence that begins with a path at the part of that name, or at the nearest above it; returns the rest.

    Paths are those below the node: `streams[0].key: …` for the node `config`.
    """
    by_name = {part.name: part for part in node.walk()}
    left = []
    for sentence in sentences:
        match = PATH_OF_PROBLEM.fullmatch(sentence)
        place = _nearest(by_name, node.name, match[1]) if match else None
        if match is None or place is None or place is node:
            left.append(sentence)
        else:
            missing = MISSING.fullmatch(match[2])
            if missing and missing[1] in place.fields:
                place = place.fields[missing[1]]
            inner = match[1].removeprefix(place.name.removeprefix(f"{node.name}.")).lstrip(".")
            place.problems.append(f"{inner}: {match[2]}" if inner and inner not in place.name else match[2])
    return left


def _nearest(by_name: Mapping[str, Node], root: str, path: str) -> Node | None:
    name = path if path.startswith((f"{root}.", f"{root}[")) else f"{root}.{path}"
    while name:
        if name in by_name:
            return by_name[name]
        name = re.sub(r"(\.[^.\[\]]*|\[[^\]]*\]|^[^.\[\]]*)$", "", name)
    return None
