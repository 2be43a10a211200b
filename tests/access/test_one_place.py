"""Doors read rows that grants limit by operations.visible only, so that none can forget to limit them."""

from __future__ import annotations

import re

from tests.isolation import CHECKOUT

LIMITED = re.compile(r"\b(?:SyncJob|SyncJobType|Connector|Schedule|Reject)\.objects\b(?!\.none\(\))")
MAY = {
    "api/job_action_views.py": "the job was found among the visible ones",
    "api/job_views.py": "narrows the visible jobs",
    "portal/program_reads.py": "asks only whether anything is scheduled at all",
    "portal/worker_reads.py": "tells taken slots apart from jobs that are shown",
}


def test_no_door_reads_around_the_grants() -> None:
    doors = [path for door in ("api", "portal") for path in (CHECKOUT / "syncjobs" / door).rglob("*.py")]
    around = {str(path.relative_to(CHECKOUT / "syncjobs")) for path in doors if LIMITED.search(path.read_text("utf-8"))}
    assert sorted(around - MAY.keys()) == [], "use visible_jobs() and its like of syncjobs/operations/visible.py"
