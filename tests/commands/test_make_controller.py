"""`manage.py make_controller`, by real commands in an app of the operator's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.isolation import CHECKOUT


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of an operator whose app `shop` lies in tmp_path."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "data").mkdir()
    own = {"SYNCDECK_APPS": "shop", "PYTHONPATH": str(tmp_path), "SYNCDECK_DATA_DIR": str(tmp_path / "data")}
    return os.environ | own


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60
    )


def test_new_controllers_of_both_modes_pass_the_check(environment: dict[str, str], tmp_path: Path) -> None:
    made = manage(environment, "make_controller", "SAP Customer Sync", "--app", "shop")
    path = tmp_path / "shop" / "sync_controllers" / "sap_customer_sync.py"
    expected = f"Wrote {path}. Complete it, restart Syncdeck, and choose the controller 'sap_customer_sync'.\n"
    assert (made.returncode, made.stdout, made.stderr) == (0, expected, "")
    assert "def get_target_document" in path.read_text(encoding="utf-8")
    assert manage(environment, "make_controller", "Call Them", "--app", "shop", "--bypass").returncode == 0
    assert "def execute" in (path.parent / "call_them.py").read_text(encoding="utf-8")
    checked = manage(environment, "check", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr


def test_refusal_is_one_sentence(environment: dict[str, str]) -> None:
    refused = manage(environment, "make_controller", "Orders", "--app", "auth")
    assert refused.returncode == 1
    assert refused.stderr == "CommandError: There is no app 'auth' in SYNCDECK_APPS; choose one of: shop.\n"
