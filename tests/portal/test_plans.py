"""Plans, conflicts and reversals on the pages of their jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from syncjobs.lifecycle.plans import basis_of, digest_changes
from syncjobs.models import Change, Conflict, JobBatch, Plan, SyncJob, SyncJobType
from syncjobs.statuses import Status
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff

NOTHING = {"read": 0, "inserted": 0, "updated": 0, "deleted": 0, "unchanged": 0, "skipped": 0}
CHECKPOINT = {"kept_changes": 3, "target_was_empty": False, "fields": [["icao", "text", False], ["name", "text", True]]}


def page(client: Client, job: SyncJob, name: str = "page") -> str:
    response = client.get(reverse(f"admin:job_{name}", args=[job.pk]))
    assert response.status_code == 200
    return response.content.decode()


def post(client: Client, job: SyncJob, verb: str) -> str:
    response = client.post(reverse(f"admin:job_{verb}", args=[job.pk]), follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def changed(make_job: MakeJob) -> Any:
    """Makes a finished job with one insert, one update and one delete."""

    def make(**columns: Any) -> SyncJob:
        counts = NOTHING | {"read": 30, "inserted": 1, "updated": 1, "deleted": 1, "unchanged": 28}
        job = make_job(Status.FINISHED, counts=counts, checkpoint=CHECKPOINT | {"counts": counts}, **columns)
        batch = JobBatch.objects.create(
            job=job, stream="airports", batch_no=1, state="committed", counts=counts, created_at=job.created_at
        )
        pairs = {"insert": [None, "New"], "update": ["Old", "New"], "delete": ["Old", None]}
        for number, (operation, pair) in enumerate(pairs.items()):
            key = {"icao": f"K{number}"}
            values = {"key": key, "key_hash": number, "operation": operation, "fields": {"name": pair}}
            Change.objects.create(job=job, batch=batch, stream="airports", **values)
        return job

    return make


@pytest.fixture
def planned(changed: Any, job_type: SyncJobType) -> SyncJob:
    """A dry run with a sealed plan."""
    job: SyncJob = changed(dry_run=True)
    now = timezone.now()
    Plan.objects.create(
        job=job,
        digest=digest_changes(job.pk),
        changes=3,
        basis=basis_of(job_type, job_type.config["streams"][0]),
        sealed_at=now,
        expires_at=now + timedelta(days=7),
    )
    return job


def test_plan_is_approved_and_applied_by_its_buttons(portal: Client, planned: SyncJob) -> None:
    text = page(portal, planned)
    assert "Sealed with 3 changes. Look at them, then approve it" in text
    assert 'id="approve-job"' in text
    assert 'id="apply-job"' not in text
    text = post(portal, planned, "approve")
    assert f"The plan of job #{planned.pk} is approved. It can be applied now." in text
    assert "Approved by anna; its 3 changes can be applied until" in text
    question = page(portal, planned, "apply")
    assert "1 insert, 1 update, 1 delete" in question
    assert "listed as a conflict, if it is no longer as the plan saw it" in question
    assert "Apply the plan</button>" in question
    assert SyncJob.objects.count() == 1, "asking does nothing"
    text = post(portal, planned, "apply")
    job = SyncJob.objects.get(config_snapshot__plan__job=planned.pk)
    assert f"Job #{job.pk} applies the plan of #{planned.pk}. It is queued." in text
    assert (job.status, job.trigger_type, job.dry_run) == ("queued", "manual", False)
    assert f"See job #{job.pk}</a>" in page(portal, planned)
    text = page(portal, job)
    assert f'<dt>Applies the plan of</dt><dd><a href="{reverse("admin:job_page", args=[planned.pk])}">' in text
    assert "This cannot be done now" in page(portal, planned, "apply")


def test_plan_that_is_outdated_says_why_and_has_no_button(
    portal: Client, planned: SyncJob, job_type: SyncJobType
) -> None:
    assert job_type.target_connector is not None
    job_type.target_connector.config = {"path": "elsewhere.sqlite3"}
    job_type.target_connector.save()
    text = page(portal, planned)
    assert "can not be approved or applied, since the target connector changed since it was made" in text
    assert 'id="approve-job"' not in text
    assert "the target connector changed since it was made" in post(portal, planned, "approve")
    assert Plan.objects.get().state == "sealed"


def test_plan_needs_the_right_to_approve(make_staff: MakeStaff, planned: SyncJob) -> None:
    operator = make_staff("view_syncjob", "change_syncjob")
    assert 'id="approve-job"' not in page(operator, planned)
    assert operator.post(reverse("admin:job_approve", args=[planned.pk])).status_code == 403
    approver = make_staff("view_syncjob", "approve_syncjob")
    assert "is approved" in post(approver, planned, "approve")
    assert approver.post(reverse("admin:job_apply", args=[planned.pk])).status_code == 403
    assert "It is queued." in post(operator, planned, "apply")


def test_paused_type_applies_nothing_and_says_so(portal: Client, planned: SyncJob, job_type: SyncJobType) -> None:
    post(portal, planned, "approve")
    job_type.paused_at = timezone.now()
    job_type.save()
    assert "Airports is paused; resume it first." in post(portal, planned, "apply")
    assert Plan.objects.get().state == "approved"


def test_job_is_reverted_after_a_question_that_says_what_happens(portal: Client, changed: Any) -> None:
    job = changed()
    assert 'id="revert-job"' in page(portal, job)
    question = page(portal, job, "revert")
    assert "delete 1 record, set back 1 record, bring back 1 record in store/airports" in question
    assert "if it is no longer as this job left it" in question
    text = post(portal, job, "revert")
    new = SyncJob.objects.get(trigger_type="revert")
    assert f"Job #{new.pk} reverts #{job.pk}. It is queued." in text
    assert "<dt>Reverts</dt>" in page(portal, new)
    assert "<dt>Reverted as</dt>" in page(portal, job)
    assert f"It was reverted before, as #{new.pk}." in page(portal, job, "revert")


def test_conflicts_are_counted_on_the_job_and_listed_escaped_on_their_own_tab(
    portal: Client, make_job: MakeJob, job_type: SyncJobType
) -> None:
    counts = NOTHING | {"read": 2, "skipped": 2}
    job = make_job(Status.FINISHED, counts=counts, config_snapshot=job_type.snapshot() | {"plan": {"job": 1}})
    batch = JobBatch.objects.create(job=job, stream="airports", batch_no=1, created_at=job.created_at)
    kept = {"job": job, "batch": batch, "stream": "airports", "operation": "update"}
    fields = {"name": [f"old {ATTACK}", None]}
    Conflict.objects.create(**kept, key={"icao": ATTACK}, reason="changed", fields=fields)
    Conflict.objects.create(**kept, key={"icao": "KGON"}, reason="gone")
    text = page(portal, job)
    assert "2 records were not as expected and left alone." in text
    assert "Conflicts 2</a>" in text
    listed = page(portal, job, "conflicts")
    assert ATTACK not in text + listed
    assert "The record was changed since" in listed
    assert "The record is gone" in listed
    assert "old &lt;script&gt;" in listed
    assert "Conflicts" not in page(portal, make_job(Status.FINISHED, counts=counts))
