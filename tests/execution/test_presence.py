"""Presence beside forks: whatever a worker's main process is writing, its pool processes can use the database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.stack import migrated_file
from tests.isolation import CHECKOUT

pytestmark = pytest.mark.slow
FORKS = 25
# In a process of its own, since forking is nothing to do to the process that runs the tests.
FORK_WHILE_REPORTING = f"""
import os, signal, time
import django
django.setup()
from django.db import connection
from syncjobs import presence
from syncjobs.models import WorkerSeen

presence.REPORT_SECONDS = 0.0  # report after report, so that a fork meets one for certain
presence.Presence("worker@test", ["default"], 1).start()
time.sleep(0.5)
for _ in range({FORKS}):
    child = os.fork()
    if not child:
        signal.alarm(20)
        WorkerSeen.objects.update(slots=2)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, "a process cannot write"
    time.sleep(0.003)
print("all could write", flush=True)
os._exit(0)
"""


def test_process_that_is_forked_while_its_worker_reports_can_write(tmp_path: Path) -> None:
    (tmp_path / "syncdeck.sqlite3").write_bytes(migrated_file().read_bytes())
    environment = os.environ | {"SYNCDECK_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK_WHILE_REPORTING],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout.strip() == "all could write", done.stdout + done.stderr
