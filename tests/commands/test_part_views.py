"""`manage.py sync logs` and `sync diff`."""

from __future__ import annotations

import pytest
from django.utils import timezone

from syncjobs.fingerprints import key_hash
from syncjobs.management import part_views
from syncjobs.models import Change, JobBatch, JobLog, SyncJob
from tests.commands.conftest import Ask
from tests.lifecycle.factories import JobFactory


@pytest.fixture
def job(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> SyncJob:
    """With five lines and three changes, of which a page holds two."""
    monkeypatch.setattr(part_views, "AT_ONCE", 2)
    found = JobFactory.create(status="finished", ended_at=timezone.now())
    for number, level in enumerate(("DEBUG", "INFO", "WARNING", "ERROR", "INFO")):
        write_line(found, level, f"line {number}")
    batch = JobBatch.objects.create(job=found, stream="airports", batch_no=1, created_at=timezone.now())
    for number, operation in enumerate(("insert", "update", "delete")):
        key = {"icao": f"K{number}"}
        values = {"operation": operation, "fields": {"name": ["Idlewild", None], "lat": [1, 2.5]}}
        Change.objects.create(job=found, batch=batch, stream="airports", key=key, key_hash=key_hash(key), **values)
    return found


def write_line(job: SyncJob, level: str, message: str) -> None:
    JobLog.objects.create(job=job, level=level, message=message, created_at=timezone.now())


def test_log_is_shown_by_level_in_its_order(ask: Ask, job: SyncJob) -> None:
    shown = ask("sync", "logs", str(job.pk)).output.splitlines()
    assert [line.split()[-1] for line in shown] == list("01234")
    assert [line.split()[1] for line in shown] == ["DEBUG", "INFO", "WARNING", "ERROR", "INFO"]
    warned = ask("sync", "logs", str(job.pk), "--level", "WARNING", "--json").json
    assert (warned["job"], [line["message"] for line in warned["lines"]]) == (job.pk, ["line 2", "line 3"])
    assert ask("sync", "logs", str(job.pk + 1)).code == 3
    assert ask("sync", "logs", str(job.pk), "--json", "-f").code == 2


def test_log_is_followed_until_the_job_is_done(ask: Ask, job: SyncJob, monkeypatch: pytest.MonkeyPatch) -> None:
    SyncJob.objects.filter(pk=job.pk).update(status="started", ended_at=None)
    pauses = iter((1, 2))

    def go_on(_seconds: float) -> None:
        if next(pauses) == 1:
            write_line(job, "INFO", "line 5")
            return
        write_line(job, "INFO", "line 6")
        SyncJob.objects.filter(pk=job.pk).update(status="finished", ended_at=timezone.now())

    monkeypatch.setattr("syncjobs.management.part_views.time.sleep", go_on)
    shown = ask("sync", "logs", "-f", str(job.pk)).output.splitlines()
    assert [line.split()[-1] for line in shown] == list("0123456")


def test_changes_are_shown_with_old_and_new(ask: Ask, job: SyncJob) -> None:
    first, *others = ask("sync", "diff", str(job.pk)).output.splitlines()
    assert first == 'insert airports icao=K0  name: "Idlewild" → null; lat: 1 → 2.5'
    assert [line.split()[0] for line in others] == ["update", "delete"]
    (deleted,) = ask("sync", "diff", str(job.pk), "--operation", "delete", "--json").json["changes"]
    assert (deleted["key"], deleted["fields"]["lat"]) == ({"icao": "K2"}, [1, 2.5])
    Change.objects.all().delete()
    assert ask("sync", "diff", str(job.pk)).output.strip() == f"Job #{job.pk} kept no change."
