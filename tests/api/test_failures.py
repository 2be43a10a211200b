"""Failures by their cause, by a program: listed, read, retried together."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from syncjobs.fingerprints import failure_fingerprint
from syncjobs.models import SyncJob, SyncJobType
from tests.api.conftest import Api, MakeApi, error_of
from tests.api.test_reading import make_jobs

REFUSED = {"class": "transient", "code": "unreachable", "message": "10.0.0.7:5432 refused", "hint": "Look at it."}
PRINT = failure_fingerprint(REFUSED)


@pytest.fixture
def failed(job_type: SyncJobType) -> list[SyncJob]:
    """Two jobs that failed alike today, and one long ago."""
    values = {"status": "failed", "failure": REFUSED | {"retryable": True}, "failure_fingerprint": PRINT}
    now = timezone.now()
    return make_jobs(job_type, 2, **values, ended_at=now) + make_jobs(
        job_type, 1, **values, ended_at=now - timedelta(days=20)
    )


def test_failures_are_listed_by_cause_within_the_days_asked_for(api: Api, failed: list[SyncJob]) -> None:
    (told,) = api.get("failures/").json()["failures"]
    assert (told["fingerprint"], told["jobs"], told["code"], told["hint"]) == (PRINT, 2, "unreachable", "Look at it.")
    assert told["job_types"] == [{"job_type": "airports", "jobs": 2}]
    one = api.get(f"failures/{PRINT}/", days=30).json()
    assert (one["jobs"], one["newest_jobs"]) == (3, [job.pk for job in reversed(failed)])
    assert api.get("failures/", days=31).status_code == 400
    assert api.get("failures/nothing/").status_code == 404


def test_all_that_failed_alike_are_retried_once(api: Api, failed: list[SyncJob], make_api: MakeApi) -> None:
    address = f"failures/{PRINT}/retry/"
    assert make_api("view_syncjob").post(address).status_code == 403
    first, again = (api.post(address, **{"Idempotency-Key": "a-key"}) for _ in range(2))
    assert first.json() == again.json() == {"retried": [failed[0].pk, failed[1].pk], "refused": {}}
    assert set(SyncJob.objects.filter(pk__in=first.json()["retried"]).values_list("status", flat=True)) == {"queued"}
    over = api.post(address)
    assert (over.status_code, error_of(over)["code"]) == (404, "not_found")
    assert api.post(address, {"days": 30}).json()["retried"] == [failed[2].pk]
