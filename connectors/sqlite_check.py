"""The steps of testing a connection to an SQLite file."""

from __future__ import annotations

import os
from pathlib import Path

from connectors.base import Connector
from connectors.checks import CheckStep, timed_step
from connectors.records import Batch, ReadRequest

NOTHING = Batch((), [], None)


def opening_step(path: Path, started: float, *, is_there: bool) -> CheckStep:
    """Whether the file, if there is one, was a database."""
    if not is_there:
        return timed_step("open", started, f"{path.name} does not exist yet; the first sync creates it")
    return timed_step("open", started, f"{path.name} is an SQLite database")


def reading_step(connector: Connector, started: float) -> CheckStep:
    """Read one record of the first table."""
    for stream in connector.streams()[:1]:
        found = len(next(connector.read(ReadRequest(stream.name, batch_size=1)), NOTHING).rows)
        return timed_step("read one record", started, f"{stream.name}: {'read one' if found else 'is empty'}")
    return timed_step("read one record", started, "there is no table yet")


def writing_step(path: Path, started: float) -> CheckStep:
    """Looks at rights only: a database is written to by its file and, for the log beside it, by its folder."""
    if not path.parent.is_dir():
        return timed_step("write rights", started, "its folder does not exist", ok=False, fix="Create the folder.")
    if os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK)):
        return timed_step("write rights", started, "the file can be written to")
    fix = "Fine for a source; for a target give the worker's user the right to write file and folder."
    return timed_step("write rights", started, "the file can only be read", fix=fix)
