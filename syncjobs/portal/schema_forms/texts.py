"""A JSON value as a tree of texts, one for each field of its form, and back: `read(schema, write(schema, v)) == v`.

Keys that begin with `_` are no properties: `_rest` keeps, as JSON, what no field shows (unknown properties, explicit
nulls and defaults), `_json` is a part that is edited as JSON, `_closed` one that is folded away, `_one` says which of
several properties is meant, `_was` for which variant `_rest` was written.
"""

from __future__ import annotations

import json
from typing import Any

from syncjobs.portal.schema_forms.notations import ABSENT, LITERAL, write_list
from syncjobs.portal.schema_forms.shapes import (
    Kind,
    kind_of,
    notation_of,
    one_of,
    properties_of,
    required_of,
    switch_of,
)

Schema = dict[str, Any]
Tree = Any
"""A text, a dict of trees, or a list of trees."""
REST, AS_JSON, CLOSED, ONE, WAS = "_rest", "_json", "_closed", "_one", "_was"
TEXT_OPERATORS, LIST_OPERATORS = ("like", "regex"), ("in", "not_in")


class BadJson(ValueError):
    """A part that is edited as JSON and is none; `path` says which."""

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


def write(schema: Schema, value: Any) -> Tree:
    """The texts of a value; a part that its fields cannot show without loss becomes JSON."""
    if value == {} and kind_of(schema) is Kind.GROUP:
        return {}  # a row with nothing in it yet
    try:
        tree = _written(schema, value)
        if is_alike(read(schema, tree), value):
            return tree
    except (TypeError, ValueError, AttributeError, RecursionError):
        pass
    return {AS_JSON: json.dumps(value, ensure_ascii=False, indent=2)}


def read(schema: Schema, tree: Tree, path: str = "config") -> Any:
    """The value of the texts; ABSENT where all is empty. Raises BadJson."""
    if isinstance(tree, dict) and (AS_JSON in tree or CLOSED in tree):
        return parse_part(str(tree.get(AS_JSON, tree.get(CLOSED, ""))), path)
    match kind_of(schema):
        case Kind.GROUP:
            return _read_group(schema, tree if isinstance(tree, dict) else {}, path)
        case Kind.ROWS:
            rows = tree if isinstance(tree, list) else []
            found = [read(schema["items"], row, f"{path}[{number}]") for number, row in enumerate(rows)]
            return [{} if row is ABSENT else row for row in found] or ABSENT
        case Kind.CHECK:
            return True if tree else ABSENT
        case Kind.CHOICE:
            return _chosen(schema, tree)
    return notation_of(schema).read(tree if isinstance(tree, str) else "")


def parse_part(text: str, path: str) -> Any:
    """A part that is kept or edited as JSON."""
    if not text.strip():
        return ABSENT
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadJson(path, f"This is not valid JSON: {str(error)[:200]}.") from error


def is_alike(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON, 1 and 1.0 and true apart."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _written(schema: Schema, value: Any) -> Tree:
    match kind_of(schema):
        case Kind.GROUP:
            return _written_group(schema, value)
        case Kind.ROWS:
            return [write(schema["items"], item) for item in _of_type(list, value)]
        case Kind.CHECK:
            return "on" if _of_type(bool, value) else ""
        case Kind.CHOICE:
            return str(value)
    return notation_of(schema).write(value)


def _written_group(schema: Schema, value: Any) -> dict[str, Tree]:
    found = _of_type(dict, value)
    tree: dict[str, Tree] = {}
    if names := one_of(schema):
        given = [name for name in names if name in found]
        if len(given) > 1:
            raise ValueError(f"{given} at once")
        tree[ONE] = (given or names)[0]
    for name, rules in properties_of(schema, found).items():
        if name in found and not _is_kept_aside(rules, found[name]):
            tree[name] = write(rules, found[name])
    if _is_condition(schema):
        _write_condition(tree, found)
    if switch := switch_of(schema):
        tree[WAS] = str(found.get(switch, ""))
    shown = _read_shown(schema, tree, "")
    rest = {name: item for name, item in found.items() if name not in shown or not is_alike(shown[name], item)}
    rest |= {name: item for name, item in found.items() if is_alike(item, _default_of(schema, name, found))}
    if rest:
        tree[REST] = json.dumps(rest, ensure_ascii=False)
    return tree


def _is_kept_aside(rules: Schema, value: Any) -> bool:
    """Whether a value is what its field shows when it is empty, and so is kept in `_rest` only."""
    is_any = kind_of(rules) in (Kind.LINE, Kind.BLOCK) and notation_of(rules) is LITERAL
    if value is False and kind_of(rules) is Kind.CHECK:
        return True
    return not is_any and (value is None or value in ([], {}) or (isinstance(value, str) and not value.strip()))


def _read_group(schema: Schema, tree: dict[str, Tree], path: str) -> Any:
    shown = _read_shown(schema, tree, path)
    rest = parse_part(_text_of(tree, REST), path)
    if rest is ABSENT or not isinstance(rest, dict) or _text_of(tree, WAS) != str(shown.get(switch_of(schema), "")):
        rest = {}
    values = dict(shown)
    needed = required_of(schema, shown)
    for name in shown:
        if name not in needed and is_alike(shown[name], _default_of(schema, name, shown)):
            del values[name]  # as if it were not said, unless it was said before
    return {**rest, **values} or ABSENT


def _read_shown(schema: Schema, tree: dict[str, Tree], path: str) -> dict[str, Any]:
    chooser, found = one_of(schema), {}
    if switch := switch_of(schema):
        found[switch] = _text_of(tree, switch)
    for name, rules in properties_of(schema, found).items():
        if name not in chooser or name == tree.get(ONE, name):
            found[name] = read(rules, tree.get(name, ""), f"{path}.{name}")
    values = {name: item for name, item in found.items() if item is not ABSENT and item != ""}
    return _fitted(schema, values, tree)


def _fitted(schema: Schema, values: dict[str, Any], tree: dict[str, Tree]) -> dict[str, Any]:
    """A condition's value as its operator takes it."""
    if not _is_condition(schema) or isinstance(tree.get("value"), dict):
        return values
    operator, value = values.get("op"), values.get("value", ABSENT)
    if operator in TEXT_OPERATORS and value is not ABSENT:
        values["value"] = str(tree["value"]).replace("\r\n", "\n")
    elif operator in LIST_OPERATORS and value is not ABSENT and not isinstance(value, list | dict):
        values["value"] = [value]
    elif operator == "is_null" and value is ABSENT:
        values["value"] = True
    return values


def _is_condition(schema: Schema) -> bool:
    return set(schema.get("properties", ())) == {"field", "op", "value"}


def _write_condition(tree: dict[str, Tree], condition: dict[str, Any]) -> None:
    """The value in the form that its operator takes."""
    operator, value = condition.get("op"), condition.get("value")
    if operator in TEXT_OPERATORS and isinstance(value, str) and value:
        tree["value"] = value
    elif operator in LIST_OPERATORS and isinstance(value, list) and len(value) == 1:
        tree["value"] = write_list(value)


def _default_of(schema: Schema, name: str, value: Any) -> Any:
    rules = properties_of(schema, value).get(name, {})
    if kind_of(rules) is Kind.CHECK:
        return rules.get("default", False)
    return rules.get("default", ABSENT)


def _chosen(schema: Schema, tree: Tree) -> Any:
    if not isinstance(tree, str) or not tree:
        return ABSENT
    return next((choice for choice in schema["enum"] if str(choice) == tree), tree)


def _text_of(tree: dict[str, Tree], name: str) -> str:
    text = tree.get(name, "")
    return text if isinstance(text, str) else ""


def _of_type(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not valid JSON")
