"""docs/faults.md: every test that it names exists, every row names one, and no test of this folder is left out."""

from __future__ import annotations

import ast
import re

from tests.isolation import CHECKOUT

PAGE = (CHECKOUT / "docs" / "faults.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE))


def names_of_tests(path: str) -> set[str]:
    module = ast.parse((CHECKOUT / path).read_text(encoding="utf-8"))
    names = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    return {name for name in names if name.startswith("test_")}


def test_every_test_that_the_page_names_exists() -> None:
    assert len(NAMED) > 40
    assert sorted(f"{path}::{name}" for path, name in NAMED if name not in names_of_tests(path)) == []


def test_every_row_names_its_proof() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what happens")]
    assert len(rows) > 30
    assert [row for row in rows if not re.search(r"::test_\w+` \|$", row)] == []


def test_no_test_of_this_folder_is_left_out() -> None:
    folder = CHECKOUT / "tests" / "faults"
    paths = [
        f"tests/faults/{path.name}" for path in sorted(folder.glob("test_*.py")) if path.name != "test_faults_page.py"
    ]
    everything = {(path, name) for path in paths for name in names_of_tests(path)}
    assert sorted(everything - NAMED) == []
