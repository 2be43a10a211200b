"""Configuration documents as YAML: written so that a person can edit them, and read as strictly as JSON."""

from __future__ import annotations

import re
from typing import Any

import yaml

from syncjobs.mapping import ConfigProblems

LARGEST_FILE = 5 * 1024 * 1024  # bytes
MOST_DIGITS = 4_000
NOT_JSON = "only texts, numbers, true, false, null, lists and objects with texts as names can"


class _StrictLoader(yaml.SafeLoader):
    """No anchors, no tags, no name twice, and of YAML's many guesses only those that JSON knows."""

    yaml_implicit_resolvers = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.constructor.ConstructorError(None, None, "an anchor or alias (& or *)", event.start_mark)
        if getattr(event, "tag", None):
            raise yaml.constructor.ConstructorError(None, None, "a tag (!)", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(name) for name, _ in node.value]
        for place, (name, (key, _)) in enumerate(zip(names, node.value, strict=True)):
            if not isinstance(name, str):
                raise yaml.constructor.ConstructorError(None, None, f"a name that is no text: {name}", key.start_mark)
            if name in names[:place]:
                raise yaml.constructor.ConstructorError(None, None, f"the name '{name}' twice", key.start_mark)
        return super().construct_mapping(node, deep)


for tag, pattern, first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", rf"[-+]?(?:0|[1-9][0-9]{{0,{MOST_DIGITS}}})", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
):
    _StrictLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), list(first))


def write_yaml(document: dict[str, Any]) -> str:
    """The document in its own order, every text in one piece."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


class _Dumper(yaml.SafeDumper):
    """Writes out what stands twice, since `read_yaml` takes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def read_yaml(data: bytes) -> Any:
    """What the text holds. Raises ConfigProblems that name the line."""
    if len(data) > LARGEST_FILE:
        raise ConfigProblems([f"the file is larger than {LARGEST_FILE:,} bytes"])
    try:
        return yaml.load(data.decode("utf-8-sig"), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader, and stricter
    except UnicodeDecodeError as problem:
        raise ConfigProblems([f"the file is not text in UTF-8 (byte {problem.start:,})"]) from problem
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = str(problem.problem)
        refused = isinstance(problem, yaml.constructor.ConstructorError)
        raise ConfigProblems([f"{where}{what}{f' cannot stand here; {NOT_JSON}' if refused else ''}"]) from problem
    except RecursionError as problem:
        raise ConfigProblems(["the file is nested too deep"]) from problem
    except (yaml.YAMLError, ValueError) as problem:
        raise ConfigProblems([f"the file cannot be read as YAML: {str(problem)[:200]}"]) from problem
