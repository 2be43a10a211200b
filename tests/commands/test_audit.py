"""`manage.py audit`."""

from __future__ import annotations

import json
from io import StringIO
from pkgutil import iter_modules
from typing import Any

import pytest
from django.core.management import call_command, load_command_class

from syncjobs.management import commands
from syncjobs.management.base import PortalCommand
from syncjobs.operations.auditing import record
from tests.lifecycle.factories import JobTypeFactory

pytestmark = pytest.mark.django_db


def ask(*arguments: str, **options: Any) -> str:
    told = StringIO()
    call_command("audit", *arguments, stdout=told, **options)
    return told.getvalue()


def test_entries_are_listed_newest_first_and_filtered() -> None:
    job_type = JobTypeFactory.create(slug="flights")
    record("job_type.pause", job_type, before={"paused": False}, after={"paused": True}, actor="ann")
    record("keys.rotate", None, actor="bob")
    lines = ask().splitlines()
    assert "keys.rotate" in lines[1]
    assert "flights" in lines[2]
    entries = json.loads(ask("--json", "--who", "ann", "--object", "job_type", "--id", str(job_type.pk)))["entries"]
    assert [entry["verb"] for entry in entries] == ["job_type.pause"]
    assert entries[0]["after"] == {"paused": True}
    assert ask("--verb", "job.cancel") == "No entry fits.\n"
    assert ask("--until", "2000-01-01T00:00") == "No entry fits.\n"


def test_every_command_is_a_door_of_its_own() -> None:
    """All but the dispatcher, at which nobody sits."""
    names = {info.name for info in iter_modules(commands.__path__)} - {"dispatcher"}
    others = {name for name in names if not isinstance(load_command_class("syncjobs", name), PortalCommand)}
    assert others == set()
