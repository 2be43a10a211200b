"""The table of what every address answers to whom: tests/access/expected.txt, read and written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.access.observing import METHODS, columns_of
from tests.access.people import PROGRAMS, ROLES

PATH = Path(__file__).parent / "expected.txt"
Line = tuple[str, str]


def read_table() -> dict[Line, tuple[str, ...]]:
    """{(address, method): classes}."""
    found = {}
    for text in PATH.read_text(encoding="utf-8").splitlines():
        if text.strip() and not text.startswith("#"):
            method, route, *classes = text.split()
            route = "" if route == "/" else route
            assert len(classes) == len(columns_of(route)), f"expected.txt: wrong number of columns: {text}"
            found[route, method] = tuple(classes)
    return found


def lines_of(answers: dict[Line, tuple[str, ...]]) -> list[str]:
    """The lines as they stand in the file."""
    ordered = sorted(answers, key=lambda line: (line[0], METHODS.index(line[1])))
    return [f"{method:<7}{route or '/':<66}{_cells(answers[route, method])}" for route, method in ordered]


def head() -> str:
    """The names of the columns."""
    return f"# {'method and address':<71}{_cells((*ROLES, *PROGRAMS))}"


def _cells(classes: Iterable[str]) -> str:
    return "".join(f"{one:<14}" for one in classes).rstrip()
