"""Real beat processes on a schedule of every second, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.both_databases import BOTH_DATABASES
from tests.faults.stack import Stack, database_urls

pytestmark = pytest.mark.slow

MAKE = """
from django.utils import timezone
from syncjobs.models import SyncJobType
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Interval
job_type = SyncJobType.objects.get(slug="last_30_days_crashes")
rule = Interval(1, timezone.now())
answer = save_schedule(job_type=job_type, name="Every second", rule=rule, actor="test", enabled={enabled}).pk
"""
SWITCH = """
from syncjobs.models import Schedule
from syncjobs.operations.schedules import set_schedule_enabled
set_schedule_enabled(Schedule.objects.get(pk={pk}), {enabled}, actor="test")
answer = True
"""
DUE_TIMES = """
from syncjobs.models import SyncJob
answer = [at.isoformat() for at in SyncJob.objects.order_by("id").values_list("due_at", flat=True)]
"""
COUNT_ROWS = """
from django_celery_beat.models import PeriodicTask
answer = [PeriodicTask.objects.filter(name__startswith="celery.").count(), PeriodicTask.objects.count()]
"""


class BeatStack(Stack):
    """Adds beats."""

    def start_beat(self, name: str) -> subprocess.Popen[bytes]:
        return self._start(name, ["-m", "config", "beat"], {})

    def due_times(self) -> list[datetime]:
        return [datetime.fromisoformat(text) for text in self.python(DUE_TIMES)]

    def wait_until(self, is_so: Callable[[list[datetime]], bool]) -> list[datetime]:
        give_up = time.monotonic() + 60
        while not is_so(found := self.due_times()):
            assert time.monotonic() < give_up, self.log_text()
            time.sleep(0.3)
        return found


@pytest.fixture(params=BOTH_DATABASES)
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BeatStack]:
    running = BeatStack(tmp_path / "data", **database_urls(request.param, request))
    try:
        running.manage("seed_defaults")
        yield running
    finally:
        running.stop()


def test_two_beats_make_one_job_a_second_even_when_one_is_killed(stack: BeatStack) -> None:
    stack.python(MAKE.format(enabled=True))
    first = stack.start_beat("first")
    second = stack.start_beat("second")
    seen = len(stack.wait_until(lambda found: len(found) >= 3))
    first.kill()
    found = stack.wait_until(lambda found: len(found) >= seen + 4)
    assert len(found) == len(set(found))
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(found)]
    assert all(gap >= 1 and gap == round(gap) for gap in gaps)  # a busy machine may leave a second out
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=10) == 0
    assert "Traceback" not in stack.log_text()


def test_beat_notices_an_edit_within_five_seconds_and_leaves_no_rows_of_its_own(stack: BeatStack) -> None:
    schedule = stack.python(MAKE.format(enabled=False))
    stack.start_beat("beat")
    time.sleep(4)
    assert stack.due_times() == []
    stack.python(SWITCH.format(pk=schedule, enabled=True))
    switched_on = time.monotonic()
    stack.wait_until(lambda found: len(found) >= 1)
    assert time.monotonic() - switched_on < 8  # five seconds, and the start of the asking process
    stack.python(SWITCH.format(pk=schedule, enabled=False))
    number = len(stack.due_times())
    time.sleep(3)
    assert len(stack.due_times()) <= number + 1
    assert stack.python(COUNT_ROWS)[0] == 0
