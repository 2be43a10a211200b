"""docs/connectors.md says what is so: its code is the example app's, its commands parse, its tables are complete."""

from __future__ import annotations

import dataclasses
import re
import shlex
import textwrap
from operator import attrgetter
from typing import Any

import pytest
from django.core.management import load_command_class

from connectors import errors
from connectors.base import Capabilities, StreamWriter
from connectors.surroundings import Surroundings
from tests.isolation import CHECKOUT

PAGE = (CHECKOUT / "docs" / "connectors.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?:<!-- (file|part of): acme/(\S+) -->\n)?```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^\$ python manage\.py (.+)$", PAGE, re.MULTILINE)


def first_column(heading: str) -> list[str]:
    """What stands in code at the beginning of each row of the first table after a heading."""
    table = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)", table, re.MULTILINE)


@pytest.mark.parametrize(("kind", "path", "block"), BLOCKS, ids=[f"{kind} {path}" for kind, path, _ in BLOCKS])
def test_code_on_the_page_is_the_code_that_the_tests_run(kind: str, path: str, block: str) -> None:
    assert kind, f"this block of the page is no file of the example app:\n{block}"
    text = (CHECKOUT / "tests" / "acme" / path).read_text(encoding="utf-8").replace("tests.acme", "acme")
    assert block == text if kind == "file" else textwrap.indent(block, "    ") in text or block in text


@pytest.mark.parametrize("command", COMMANDS)
def test_command_on_the_page_is_understood(command: str) -> None:
    name, *arguments = shlex.split(command)
    load_command_class("syncjobs", name).create_parser("manage.py", name).parse_args(arguments)


def test_tables_list_every_error_capability_and_needed_method_of_a_writer() -> None:
    classes = [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, Exception)]
    assert first_column("7 Errors") == [found.__name__ for found in classes if found is not errors.SyncError]
    assert first_column("9 Capabilities") == [one.name for one in dataclasses.fields(Capabilities)]
    methods = first_column("10 Writing")
    assert StreamWriter.__abstractmethods__ <= set(methods)
    assert all(callable(getattr(StreamWriter, name)) for name in methods)


def test_table_of_the_surroundings_names_what_there_is() -> None:
    surroundings: Any = Surroundings()
    for call in re.findall(r"^\| `([\w.]+)\(", PAGE.partition("\n## 8 ")[2].partition("\n## ")[0], re.MULTILINE):
        assert callable(attrgetter(call)(surroundings))
