"""`manage.py sync failures` and `retry-failures`."""

from __future__ import annotations

from django.utils import timezone

from syncjobs.fingerprints import failure_fingerprint
from syncjobs.models import SyncJob
from tests.commands.conftest import Ask
from tests.lifecycle.factories import JobFactory, JobTypeFactory

REFUSED = {"class": "transient", "code": "unreachable", "message": "10.0.0.7:5432 refused", "hint": "Look at it."}
PRINT = failure_fingerprint(REFUSED)


def test_failures_are_listed_by_cause_and_retried_together(ask: Ask, transactional_db: None) -> None:
    assert "No job is failed" in ask("sync", "failures").output
    items = JobTypeFactory.create(slug="items")
    known = {"job_type": items, "status": "failed", "ended_at": timezone.now(), "failure_fingerprint": PRINT}
    jobs = [JobFactory.create(**known, failure=REFUSED | {"retryable": True}) for _ in range(2)]
    _, row = ask("sync", "failures").output.splitlines()
    assert row.split()[:2] == [PRINT, "2"]
    assert "items" in row
    (told,) = ask("sync", "failures", "--json", "--days", "1").json["failures"]
    assert (told["jobs"], told["job_types"]) == (2, [{"job_type": "items", "jobs": 2}])
    assert "2 jobs are queued again." in ask("sync", "retry-failures", PRINT).output
    assert set(SyncJob.objects.filter(pk__in=[job.pk for job in jobs]).values_list("status", flat=True)) == {"queued"}
    assert ask("sync", "retry-failures", PRINT).code == 3
