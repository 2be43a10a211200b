"""The job types' pages: running one, and editing it without losing anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from syncjobs.models import JobTypeVersion, SyncJob, SyncJobType
from syncjobs.portal.forms.job_type_forms import JobTypeForm
from syncjobs.statuses import Status
from tests.portal.conftest import MakeStaff

PAGE = "/admin/job-types/airports/"


def typed(job_type: SyncJobType, **changes: Any) -> dict[str, Any]:
    """What a browser posts for the form as it is drawn, with changes."""
    form = JobTypeForm(instance=job_type)
    values = {name: form[name].value() for name in form.fields}
    values = {name: value for name, value in values.items() if value not in (None, False)}
    values |= {"config": json.dumps(job_type.config), "guards": json.dumps(job_type.guards)}
    return values | changes


def test_run_now_makes_a_queued_job_of_this_person(portal: Client, job_type: SyncJobType, admin: User) -> None:
    response = portal.post(PAGE + "run/", follow=True)
    job = SyncJob.objects.get()
    assert (job.status, job.trigger_type, job.triggered_by, job.dry_run) == (Status.QUEUED, "manual", admin, False)
    assert f"Job #{job.pk} is queued." in response.content.decode()


def test_a_dry_run_is_marked_as_one(portal: Client, job_type: SyncJobType) -> None:
    response = portal.post(PAGE + "run/", {"dry_run": "on"}, follow=True)
    assert SyncJob.objects.get().dry_run
    assert "as a dry run" in response.content.decode()


def test_a_run_can_be_limited_to_a_batch_size(portal: Client, job_type: SyncJobType) -> None:
    portal.post(PAGE + "run/", {"batch_size": "500"})
    assert SyncJob.objects.get().config_snapshot["config"]["streams"][0]["batch_size"] == 500


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        ({"batch_size": "0"}, "greater than or equal to 1"),
        ({"start_date": "2026-02-30"}, "2026-02-30"),
        ({"start_date": "2026-01-01"}, "needs a window field"),
        ({"batch_size": "x"}, "whole number"),
    ],
)
def test_a_limit_that_makes_no_sense_is_explained(
    portal: Client, job_type: SyncJobType, limits: dict[str, str], complaint: str
) -> None:
    response = portal.post(PAGE + "run/", limits)
    assert response.status_code == 422
    assert complaint in response.content.decode()
    assert not SyncJob.objects.exists()


def test_a_paused_type_says_why_it_does_not_run(portal: Client, job_type: SyncJobType) -> None:
    SyncJobType.objects.update(paused_at=timezone.now())
    response = portal.post(PAGE + "run/")
    assert "Airports is paused; resume it first." in response.content.decode()
    assert not SyncJob.objects.exists()


def test_running_needs_the_right_to_change_jobs_not_types(make_staff: MakeStaff, job_type: SyncJobType) -> None:
    operator = make_staff("view_syncjobtype", "view_syncjob", "change_syncjob")
    assert operator.post(PAGE + "run/").status_code == 302
    assert operator.get(PAGE + "edit/").status_code == 403
    editor = make_staff("view_syncjobtype", "change_syncjobtype")
    assert editor.post(PAGE + "run/").status_code == 403
    assert editor.get(PAGE + "edit/").status_code == 200


def test_saving_makes_the_next_version(portal: Client, job_type: SyncJobType) -> None:
    response = portal.post(PAGE + "edit/", typed(job_type, name="All airports", timeout="0"), follow=True)
    job_type.refresh_from_db()
    assert (job_type.name, job_type.timeout, job_type.version) == ("All airports", 0, 2)
    assert "is saved as version 2" in response.content.decode()
    assert JobTypeVersion.objects.get(job_type=job_type, number=2).created_by == "anna"
    versions = portal.get(PAGE + "versions/").content.decode()
    assert "From version 1 to version 2" in versions
    assert "All airports" in versions


def test_an_edit_of_what_somebody_else_saved_meanwhile_is_refused(portal: Client, job_type: SyncJobType) -> None:
    form = typed(job_type, name="Mine")
    portal.post(PAGE + "edit/", typed(job_type, name="Theirs"))
    response = portal.post(PAGE + "edit/", form)
    assert "was changed by someone else" in response.content.decode()
    job_type.refresh_from_db()
    assert job_type.name == "Theirs"


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("config", "{", "Not valid JSON, line 1, column 2"),
        ("config", "[]", "must be an object"),
        ("config", '{"streams": [], "streams": []}', "stands twice"),
        ("config", '{"streams": NaN}', "NaN is not valid JSON"),
        ("config", '{"streams": []}', "streams"),
        ("config", '{"streams": [{"source": "a", "target": "b", "mode": "upsert"}]}', "needs a key"),
        ("guards", '{"max_delete_share": 7}', "max_delete_share"),
        ("queue", "nowhere", "nowhere is not one of the available choices"),
        ("controller", "os.system", "os.system is not one of the available choices"),
        ("timeout", "-1", "greater than or equal to 0"),
        ("name", "x" * 151, "at most 150 characters"),
    ],
)
def test_what_cannot_be_saved_is_said_at_its_field_and_kept(
    portal: Client, job_type: SyncJobType, field: str, value: str, complaint: str
) -> None:
    response = portal.post(PAGE + "edit/", typed(job_type, **{field: value}))
    assert response.status_code == 422
    assert complaint in response.content.decode()
    job_type.refresh_from_db()
    assert job_type.version == 1


def test_a_new_type_is_added(portal: Client, job_type: SyncJobType) -> None:
    values = typed(job_type, name="Second", slug="second")
    values.pop("version")
    response = portal.post("/admin/job-types/-/add/", values, follow=True)
    assert "Second is saved as version 1." in response.content.decode()
    assert SyncJobType.objects.get(slug="second").config == job_type.config


def test_the_quick_action_offers_each_type_that_can_run(portal: Client, job_type: SyncJobType) -> None:
    assert f'action="{PAGE}run/"' in portal.get("/admin/job-types/-/run/").content.decode()
    SyncJobType.objects.update(paused_at=timezone.now())
    assert "No job type can run" in portal.get("/admin/job-types/-/run/").content.decode()
