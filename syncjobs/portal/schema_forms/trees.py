"""Trees of texts from a browser's fields, and what its buttons do to them: add, remove, move, open. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from syncjobs.portal.schema_forms.notations import ABSENT
from syncjobs.portal.schema_forms.shapes import properties_of, switch_of
from syncjobs.portal.schema_forms.texts import AS_JSON, CLOSED, Schema, Tree, parse_part, write

PART = re.compile(r"\.([^.\[\]]+)|\[(\d{1,5})\]")
DEEPEST = 16
Path = list[str | int]


def read_fields(root: str, fields: Iterable[tuple[str, str]]) -> Tree:
    """The tree of all fields named `root.…` or `root[…`; what is named otherwise is passed over."""
    tree: dict[str | int, Any] = {}
    for name, text in fields:
        if (path := split_path(root, name)) and len(path) <= DEEPEST:
            _put(tree, path, text)
    return _with_lists(tree)


def split_path(root: str, name: str) -> Path:
    """`config.streams[0].to` → ["streams", 0, "to"]; empty where the name is none below the root."""
    if not name.startswith(root):
        return []
    rest, found = name[len(root) :], []
    while match := PART.match(rest):
        found.append(int(match[2]) if match[1] is None else match[1])
        rest = rest[match.end() :]
    return [] if rest else found


def subtree(tree: Tree, path: Path) -> Tree:
    """The tree at the path. Raises KeyError where there is none."""
    for part in path:
        if isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        elif isinstance(tree, dict) and part in tree:
            tree = tree[str(part)]
        else:
            raise KeyError(part)
    return tree


def schema_at(schema: Schema, tree: Tree, path: Path) -> Schema:
    """The schema of the part at the path. Raises KeyError where the schema has no such part."""
    for part in path:
        if isinstance(part, int):
            schema = schema["items"]
            tree = tree[part] if isinstance(tree, list) and part < len(tree) else {}
        else:
            switch = switch_of(schema)
            chosen = {switch: tree.get(switch)} if switch and isinstance(tree, dict) else {}
            schema = properties_of(schema, chosen)[part]
            tree = tree.get(part, {}) if isinstance(tree, dict) else {}
    return schema


def add_row(tree: Tree, path: Path, row: Tree) -> Path:
    """Put a row at the end of the list at the path, which may not exist yet; returns the row's path."""
    parent = subtree(tree, path[:-1])
    rows = parent.setdefault(str(path[-1]), [])
    if not isinstance(rows, list):
        raise KeyError(path[-1])
    rows.append(row)
    return [*path, len(rows) - 1]


def remove_row(tree: Tree, path: Path) -> Path:
    """Take a row out; returns the path of the one that has its place, or of the list where that was the last."""
    rows = subtree(tree, path[:-1])
    number = _number(path)
    del rows[number]
    return [*path[:-1], min(number, len(rows) - 1)] if rows else path[:-1]


def move_row(tree: Tree, path: Path, by: int) -> Path:
    """Change places with a neighbour, if there is one; returns where the row is now."""
    rows, number = subtree(tree, path[:-1]), _number(path)
    other = number + by
    if not 0 <= other < len(rows):
        return path
    rows[number], rows[other] = rows[other], rows[number]
    return [*path[:-1], other]


def open_part(schema: Schema, tree: Tree, path: Path) -> None:
    """Show the fields of a part that was folded away. Raises KeyError, and BadJson."""
    folded = subtree(tree, path)
    if isinstance(folded, dict) and CLOSED in folded:
        value = parse_part(folded[CLOSED], "config")
        subtree(tree, path[:-1])[path[-1]] = write(schema_at(schema, tree, path), None if value is ABSENT else value)


def show_as_json(tree: Tree, path: Path, text: str) -> None:
    """Edit a part as JSON from here on."""
    subtree(tree, path[:-1])[path[-1]] = {AS_JSON: text}


def _number(path: Path) -> int:
    number = path[-1]
    if isinstance(number, str):
        raise KeyError(number)
    return number


def _put(tree: dict[str | int, Any], path: Path, text: str) -> None:
    here: Any = tree
    for part in path[:-1]:
        here = here.setdefault(part, {})
        if not isinstance(here, dict):
            return
    here.setdefault(path[-1], text)


def _with_lists(tree: Any) -> Tree:
    """Objects whose keys are numbers are lists, in the order of those."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(isinstance(key, int) for key in tree):
        return [_with_lists(tree[key]) for key in sorted(tree)]
    return {key: _with_lists(item) for key, item in tree.items() if isinstance(key, str)}
