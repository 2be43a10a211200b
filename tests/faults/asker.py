"""Runs inside a test's Syncdeck: executes one piece of code for each line of JSON, and answers with a line of JSON."""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

import django
from django.db import close_old_connections


def answer(code: str) -> dict[str, Any]:
    """What the code assigned to `answer`, or why it failed."""
    names: dict[str, Any] = {"json": json}
    try:
        close_old_connections()
        exec(code, names)  # noqa: S102 - the code is the test's own
        return {"answer": names["answer"]}
    except Exception:
        return {"error": traceback.format_exc()}


if __name__ == "__main__":
    django.setup()
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(answer(json.loads(line)), default=str)}\n")
        sys.stdout.flush()
