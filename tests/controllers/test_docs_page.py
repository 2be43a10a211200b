"""docs/controllers.md says what is so: its code is the example app's, its commands parse, its table lists each hook."""

from __future__ import annotations

import re
import shlex
import textwrap

import pytest
from django.core.management import load_command_class

from syncjobs.controllers.hooks import HOOKS
from tests.isolation import CHECKOUT

PAGE = (CHECKOUT / "docs" / "controllers.md").read_text(encoding="utf-8")
APP = CHECKOUT / "tests" / "acme"
BLOCKS = re.findall(r"(?:<!-- (file|part of): acme/(\S+) -->\n)?```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^\$ python manage\.py (.+)$", PAGE, re.MULTILINE)


def as_on_page(path: str) -> str:
    """A file of the example app, which there is imported from the checkout's tests."""
    return (APP / path).read_text(encoding="utf-8").replace("tests.acme", "acme")


@pytest.mark.parametrize(("kind", "path", "block"), BLOCKS, ids=[path or "unmarked" for _, path, _ in BLOCKS])
def test_code_on_the_page_is_the_code_that_the_tests_run(kind: str, path: str, block: str) -> None:
    assert kind, f"this block of the page is no file of the example app:\n{block}"
    text = as_on_page(path)
    if kind == "file":
        assert block == text
    else:
        assert block in re.sub(r"(?m)^ +", "", text) or block in textwrap.dedent(text)


def test_page_shows_every_controller_of_the_example_app() -> None:
    shown = {path for kind, path, _ in BLOCKS if kind == "file"}
    files = {f"sync_controllers/{path.name}" for path in (APP / "sync_controllers").glob("[a-z]*.py")}
    assert files <= shown


@pytest.mark.parametrize("command", COMMANDS)
def test_command_on_the_page_is_understood(command: str) -> None:
    name, *arguments = shlex.split(command)
    library = "syncjobs" if name in {"sync", "make_controller"} else "django.core"
    load_command_class(library, name).create_parser("manage.py", name).parse_args(arguments)


def test_table_of_hooks_is_the_order_of_the_calls() -> None:
    listed = re.findall(r"^\| `(\w+)\(([^)]*)\)` \|", PAGE, re.MULTILINE)
    expected = {name: ", ".join(arguments) for name, arguments in HOOKS.items() if name != "execute"}
    assert dict(listed) == expected
    assert [name for name, _ in listed] == list(expected)
