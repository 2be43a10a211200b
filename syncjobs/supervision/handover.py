"""Turns the current process into the supervisor, keeping its id, its terminal and its lock."""

import os
import sys
import tempfile
from typing import NoReturn

from syncjobs.supervision.plan import SupervisionPlan, dump_plan


def become_supervisor(plan: SupervisionPlan, lock_descriptor: int) -> NoReturn:
    """Replace this process's program; the plan goes along in an unlinked file, since it may hold a password."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", dir=plan.data_dir) as file:
        file.write(dump_plan(plan))
        file.flush()
        file.seek(0)
        for descriptor in (file.fileno(), lock_descriptor):
            os.set_inheritable(descriptor, True)
        sys.stdout.flush()
        sys.stderr.flush()
        numbers = [str(file.fileno()), str(lock_descriptor)]
        os.execv(sys.executable, [sys.executable, "-m", "syncjobs.supervision", *numbers])  # noqa: S606
