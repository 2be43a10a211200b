"""Configuration and guards of a type as fields made from the controller's JSON Schema, and what its buttons do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from syncjobs.controllers.code import CodeController
from syncjobs.controllers.registry import controllers
from syncjobs.guard_schemas import GUARDS_SCHEMA
from syncjobs.portal.forms.stream_parts import decorate_stream, fold_rules, fold_streams, source_fields, taken_field
from syncjobs.portal.schema_forms import trees
from syncjobs.portal.schema_forms.nodes import Node, draw
from syncjobs.portal.schema_forms.notations import ABSENT
from syncjobs.portal.schema_forms.texts import AS_JSON, CLOSED, ONE, Schema, Tree, read, write
from syncjobs.portal.schema_forms.trees import Path
from syncjobs.stream_schemas import NAMES_SCHEMA, STREAM_SYNC_SCHEMA

STREAM_SYNC = "stream_sync"
MASKED = {**NAMES_SCHEMA, "title": "Masked fields", "description": "Fields whose values are kept nowhere."}


def config_schema(controller: str) -> Schema | None:
    """The JSON Schema of a controller's configuration; None where it has none that a form can be made of."""
    if controller == STREAM_SYNC:
        return STREAM_SYNC_SCHEMA
    found = next((one for one in controllers() if one.name == controller), None)
    schema = found.config_schema if isinstance(found, CodeController) else None
    if not schema or not isinstance(schema.get("properties"), dict):
        return None
    return {**schema, "type": "object", "properties": {**schema["properties"], "masked_fields": MASKED}}


@dataclass(slots=True)
class ConfigForm:
    """The texts of all fields; nothing in it is checked, so that what is half done can be drawn again."""

    schema: Schema
    config: Tree
    guards: Tree
    controller: str
    focus: tuple[str, str] = ("", "")
    """The part that the keyboard goes on with, and which button of it (its first field where that is empty)."""
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What is shown beside the part of that name: a preview, or why there is none."""

    @property
    def has_streams(self) -> bool:
        return self.controller == STREAM_SYNC

    @classmethod
    def of_values(cls, controller: str, config: Any, guards: Any) -> ConfigForm | None:
        """The form of a configuration; None where it can be edited as JSON only."""
        schema = config_schema(controller)
        if schema is None:
            return None
        has_streams = controller == STREAM_SYNC
        start = {"streams": [{}]} if has_streams and not config else config
        tree = write(schema, start) if start else {}
        if AS_JSON in tree:
            return None
        if has_streams:
            fold_streams(tree, start)
        return cls(schema, tree, write(GUARDS_SCHEMA, guards) if guards else {}, controller)

    @classmethod
    def of_post(cls, controller: str, post: QueryDict) -> ConfigForm | None:
        """The form as the browser sent it; None where the controller has none."""
        schema = config_schema(controller)
        if schema is None:
            return None
        texts = [(name, str(text)) for name, text in post.items()]
        config, guards = trees.read_fields("config", texts), trees.read_fields("guards", texts)
        return cls(schema, _group(config), _group(guards), controller)

    def values(self) -> tuple[Any, Any]:
        """Configuration and guards. Raises BadJson."""
        config, guards = read(self.schema, self.config, "config"), read(GUARDS_SCHEMA, self.guards, "guards")
        return ({} if config is ABSENT else config, {} if guards is ABSENT else guards)

    def press(self, verb: str, name: str, argument: str = "") -> None:
        """Do what one of its buttons does with the part of that name. Raises KeyError for what there is not."""
        path = trees.split_path("config", name)
        if not path:
            raise KeyError(name)
        PRESSED[verb](self, path, argument)

    def add(self, path: Path, _argument: str) -> None:
        trees.schema_at(self.schema, self.config, path)["items"]  # refuses what is no list
        self._focus(trees.add_row(self.config, path, {}))

    def remove(self, path: Path, _argument: str) -> None:
        left = trees.remove_row(self.config, path)
        self._focus(left, "remove" if len(left) == len(path) else "add")

    def move_up(self, path: Path, _argument: str) -> None:
        self._focus(trees.move_row(self.config, path, -1), "up")

    def move_down(self, path: Path, _argument: str) -> None:
        self._focus(trees.move_row(self.config, path, 1), "down")

    def open(self, path: Path, _argument: str) -> None:
        trees.open_part(self.schema, self.config, path)
        self._fold_rules(path)
        self._focus(path)

    def as_json(self, path: Path, _argument: str) -> None:
        part = trees.subtree(self.config, path)
        value = read(trees.schema_at(self.schema, self.config, path), part, _name(path))
        text = "" if value is ABSENT else json.dumps(value, ensure_ascii=False, indent=2)
        trees.show_as_json(self.config, path, text)
        self._focus(path)

    def as_fields(self, path: Path, _argument: str) -> None:
        schema = trees.schema_at(self.schema, self.config, path)
        value = read(schema, trees.subtree(self.config, path), _name(path))
        parent = trees.subtree(self.config, path[:-1])
        parent[path[-1]] = {} if value is ABSENT else write(schema, value)
        self._fold_rules(path)
        self._focus(path)

    def map_field(self, path: Path, argument: str) -> None:
        """Add a rule that takes a field of the source as it is."""
        self._open_mapping(path)
        row = {ONE: "from", "to": argument, "from": argument}
        self._focus(trees.add_row(self.config, [*path, "mapping"], row))

    def map_all(self, path: Path, _argument: str) -> None:
        """Add a rule for each of the source's fields that is not used yet."""
        self._open_mapping(path)
        stream = trees.subtree(self.config, path)
        used = {taken_field(row) for row in stream.get("mapping", []) if isinstance(row, dict)}
        for name, _type in source_fields(stream):
            if name not in used:
                trees.add_row(self.config, [*path, "mapping"], {ONE: "from", "to": name, "from": name})
        self._fold_rules(path)
        self._focus([*path, "mapping"], "add")

    def draw(self) -> tuple[Node, Node]:
        """The nodes of configuration and guards."""
        config, guards = draw(self.schema, self.config, "config"), draw(GUARDS_SCHEMA, self.guards, "guards")
        if self.has_streams and "streams" in config.fields:
            for number, row in enumerate(config.fields["streams"].rows):
                decorate_stream(row, number, trees.subtree(self.config, ["streams", number]))
        for node in config.walk():
            node.extra |= self.notes.get(node.name, {})
            if node.name == self.focus[0]:
                _give_focus(node, self.focus[1])
        return config, guards

    def _open_mapping(self, path: Path) -> None:
        mapping = trees.subtree(self.config, path).get("mapping")
        if isinstance(mapping, dict) and CLOSED in mapping:
            trees.open_part(self.schema, self.config, [*path, "mapping"])

    def _fold_rules(self, path: Path) -> None:
        """Of the stream at the path, or whose mapping is there."""
        stream = path[:-1] if path[-1] == "mapping" else path
        if self.has_streams and len(stream) == 2:
            fold_rules(trees.subtree(self.config, stream))

    def _focus(self, path: Path, button: str = "") -> None:
        self.focus = (_name(path), button)


PRESSED = {
    "add": ConfigForm.add,
    "remove": ConfigForm.remove,
    "up": ConfigForm.move_up,
    "down": ConfigForm.move_down,
    "open": ConfigForm.open,
    "part-as-json": ConfigForm.as_json,
    "part-as-fields": ConfigForm.as_fields,
    "map": ConfigForm.map_field,
    "map-all": ConfigForm.map_all,
}


def _group(tree: Tree) -> Tree:
    return tree if isinstance(tree, dict) else {}


def _name(path: Path) -> str:
    return "config" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _give_focus(node: Node, button: str) -> None:
    if button:
        node.extra["focus"] = button
        return
    leaf = next((part for part in node.walk() if part.kind not in ("group", "rows")), node)
    leaf.extra["focus"] = "field"
