"""`make security` finds what it is there for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PLANTED = {
    "eval": "def load(text: str) -> object:\n    return eval(text)\n",
    "pickle": "import pickle\n\n\ndef load(data: bytes) -> object:\n    return pickle.loads(data)\n",
    "no certificate": "import requests\n\nrequests.get('https://example.org', verify=False, timeout=9)\n",
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_danger_is_found(name: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(PLANTED[name], encoding="utf-8")
    command = [sys.executable, "-m", "bandit", "--quiet", "-ll", "--configfile", "pyproject.toml", "--recursive"]
    answer = subprocess.run([*command, str(tmp_path)], cwd=CHECKOUT, capture_output=True, text=True)
    assert answer.returncode == 1, answer.stdout
    assert "planted.py:" in answer.stdout
