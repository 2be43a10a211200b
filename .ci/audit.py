"""Asks for known vulnerabilities of what the lock file installs; says so where the list of them can not be reached."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
COMMAND = ["-m", "pip_audit", "--requirement", "requirements.lock", "--require-hashes", "--disable-pip"]
PATIENCE_SECONDS = 180


def main(python: str) -> int:
    """0 where nothing is known, or nobody could be asked; 1 for a known vulnerability. `python` has pip-audit."""
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        asked = subprocess.run(
            [python, *COMMAND, *options], cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )
        packages: list[dict[str, Any]] = json.loads(asked.stdout)["dependencies"]
    except (FileNotFoundError, subprocess.TimeoutExpired, json.JSONDecodeError):
        packages = []
    judged = [package for package in packages if "vulns" in package]
    if not judged:
        print("pip-audit: skipped, since its list of vulnerabilities can not be reached.")
        return 0
    found = [f"{one['name']} {one['version']}: {fault['id']}" for one in judged for fault in one["vulns"]]
    print("\n".join(found) or f"pip-audit: nothing is known of {len(judged)} packages.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
