"""Running a schedule now: its type with its limits, on or off, and nothing of its own times is touched."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from syncjobs.models import Schedule, SyncJob, SyncJobType
from syncjobs.operations.schedule_runs import run_schedule_now
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Crontab
from syncjobs.statuses import Trigger


def make(job_type: SyncJobType, **options: object) -> Schedule:
    rule = Crontab.from_line("8 2 * * *")
    return save_schedule(job_type=job_type, name="Nightly", rule=rule, actor="test", **options)  # type: ignore[arg-type]


def test_it_runs_with_its_limits_also_while_it_is_off(job_type: SyncJobType) -> None:
    schedule = make(job_type, enabled=False, overrides={"queue": "long"})
    before = schedule.last_due_at
    job = run_schedule_now(schedule, trigger=Trigger.MANUAL, actor="anna")
    assert (job.queue, job.trigger_type, job.schedule, job.due_at) == ("long", "manual", None, None)
    assert Schedule.objects.get().last_due_at == before


def test_the_command_does_the_same(job_type: SyncJobType, capsys: pytest.CaptureFixture[str]) -> None:
    make(job_type)
    call_command("schedule", "run", "Nightly")
    job = SyncJob.objects.get()
    assert f"Job #{job.pk} is queued" in capsys.readouterr().out
    assert job.trigger_type == "cli"
    SyncJobType.objects.update(paused_at=timezone.now())
    with pytest.raises(CommandError, match="is paused; resume it first") as caught:
        call_command("schedule", "run", "Nightly")
    assert caught.value.returncode == 3
    with pytest.raises(CommandError, match="There is no schedule 'Weekly'"):
        call_command("schedule", "run", "Weekly")
