"""Jobs made and acted on by API: every override, every verb, and every no with what is allowed instead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from syncjobs.models import JobEvent, SyncJob, SyncJobType
from syncjobs.operations.job_types import save_job_type
from tests.api.conftest import STREAM, Api, MakeApi, error_of

OVERRIDES: dict[str, Any] = {
    "title": "By hand",
    "queue": "long",
    "timeout": 0,
    "retry_delay": 0,
    "max_retries": 0,
    "verbose_logging": True,
    "priority": -5,
    "dedupe_key": "once",
    "insert_enabled": False,
    "update_enabled": False,
    "delete_enabled": False,
    "update_without_changes_enabled": True,
    "context": {"why": ["because", 7]},
    "dry_run": True,
}


def test_run_takes_every_override_and_answers_with_the_job(api: Api, job_type: SyncJobType) -> None:
    response = api.post("job-types/airports/run/", OVERRIDES)
    job = response.json()
    assert response.status_code == 202
    assert response["Location"].endswith(f"/api/v1/jobs/{job['id']}/")
    assert {name: job[name] for name in OVERRIDES} == OVERRIDES
    assert (job["status"], job["trigger_type"], job["triggered_by"]) == ("queued", "api", "anna")
    assert job == api.get(f"jobs/{job['id']}/").json()


def test_context_is_kept_and_what_is_named_like_a_secret_is_not_shown(api: Api, job_type: SyncJobType) -> None:
    body = {"context": {"region": "east", "login": {"password": "kestrel-41"}}}
    response = api.post("job-types/airports/run/", body)
    assert response.json()["context"] == {"region": "east", "login": {"password": "••••"}}
    assert "kestrel-41" not in api.get("jobs/").content.decode()
    assert SyncJob.objects.get().context == body["context"]


def test_run_is_limited_to_endpoints_and_a_range(api: Api, job_type: SyncJobType) -> None:
    window = {"window": {"field": "updated_at", "days": 3}}
    job_type.config = {"streams": [STREAM | window, STREAM | window | {"source": "towns", "target": "towns"}]}
    save_job_type(job_type, actor="anna")
    body = {"endpoints": ["towns"], "start_date": "2026-01-01", "end_date": "2026-01-31", "batch_size": 500}
    (stream,) = api.post("job-types/airports/run/", body).json()["config_snapshot"]["config"]["streams"]
    assert (stream["source"], stream["batch_size"]) == ("towns", 500)
    assert stream["range"] == {"field": "updated_at", "start": "2026-01-01", "end": "2026-01-31"}


@pytest.mark.parametrize(
    "body",
    [
        {"start_date": "2026-02-30"},
        {"start_date": "2026-02-02", "end_date": "2026-02-01"},
        {"start_date": "10000-01-01"},
        {"end_date": "yesterday"},
    ],
)
def test_impossible_range_is_refused(body: dict[str, str], api: Api, job_type: SyncJobType) -> None:
    job_type.config = {"streams": [STREAM | {"window": {"field": "updated_at", "days": 3}}]}
    save_job_type(job_type, actor="anna")
    response = api.post("job-types/airports/run/", body)
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid")
    assert not SyncJob.objects.exists()


def test_queue_that_is_none_is_refused_with_those_that_are(api: Api, job_type: SyncJobType) -> None:
    error = error_of(api.post("job-types/airports/run/", {"queue": "no queue"}))
    assert "short, default, long" in error["message"]


def test_job_is_created_pending_and_started_later(api: Api, job_type: SyncJobType) -> None:
    made = api.post("jobs/", {"job_type": "airports", "queue_on_insert": False})
    assert (made.status_code, made.json()["status"]) == (201, "pending")
    assert made.json()["allowed_actions"] == ["start", "cancel", "delete"]
    started = api.post(f"jobs/{made.json()['id']}/start/", {"reason": "now"})
    assert (started.status_code, started.json()["status"]) == (202, "queued")
    assert JobEvent.objects.filter(reason="now", actor="anna").count() == 1


def test_job_of_an_unknown_type_is_a_wrong_field(api: Api) -> None:
    response = api.post("jobs/", {"job_type": "nope"})
    assert (response.status_code, list(error_of(response)["fields"])) == (400, ["job_type"])


def test_pause_resume_cancel_and_restart(api: Api, queued: SyncJob) -> None:
    one = f"jobs/{queued.pk}"
    assert api.post(f"{one}/pause/").json()["status"] == "paused"
    assert api.post(f"{one}/resume/").json()["status"] == "queued"
    assert api.post(f"{one}/cancel/", {"reason": "wrong file"}).json()["cancel_reason"] == "wrong file"
    restarted = api.post(f"{one}/restart/", {"force": True}).json()
    assert (restarted["restarted_from"], restarted["status"]) == (queued.pk, "queued")


def test_failed_job_is_retried_and_deleted(api: Api, queued: SyncJob) -> None:
    SyncJob.objects.update(status="failed", ended_at=timezone.now(), attempt=1)
    assert api.post(f"jobs/{queued.pk}/retry/").json()["status"] == "queued"
    SyncJob.objects.update(status="failed", ended_at=timezone.now())
    assert api.delete(f"jobs/{queued.pk}/").status_code == 204
    assert not SyncJob.objects.exists()


def test_held_job_is_approved_or_discarded(api: Api, queued: SyncJob) -> None:
    SyncJob.objects.update(status="held")
    approved = api.post(f"jobs/{queued.pk}/approve/").json()
    assert (approved["status"], approved["approved_by"]) == ("queued", "anna")
    SyncJob.objects.update(status="held")
    assert api.post(f"jobs/{queued.pk}/discard/").json()["status"] == "canceled"


def test_children_of_a_relay_are_retried_and_canceled(api: Api, queued: SyncJob) -> None:
    SyncJob.objects.filter(pk=queued.pk).update(status="relayed")
    child = SyncJob.objects.create(
        title="child", job_type=queued.job_type, parent=queued, position=0, status="failed", created_at=timezone.now()
    )
    assert api.post(f"jobs/{queued.pk}/retry_children/").json()["children_summary"]["running"] == 1
    assert api.post(f"jobs/{queued.pk}/cancel_children/").status_code == 202
    child.refresh_from_db()
    assert child.status == "canceled"


@pytest.mark.parametrize(
    ("status", "verb"),
    [
        *(
            ("finished", verb)
            for verb in ("start", "retry", "cancel", "pause", "resume", "approve", "apply", "discard")
        ),
        *(("started", verb) for verb in ("start", "retry", "resume", "restart", "revert")),
        ("queued", "restart"),
        ("canceled", "cancel"),
    ],
)
def test_illegal_verb_is_a_409_that_lists_what_is_allowed(status: str, verb: str, api: Api, queued: SyncJob) -> None:
    SyncJob.objects.update(status=status)
    response = api.post(f"jobs/{queued.pk}/{verb}/")
    error = error_of(response)
    assert (response.status_code, error["code"]) == (409, "status_conflict")
    assert (error["job"], error["status"]) == (queued.pk, status)
    assert error["allowed_actions"] == api.get(f"jobs/{queued.pk}/").json()["allowed_actions"]
    assert SyncJob.objects.get().status == status


def test_active_job_is_not_deleted(api: Api, queued: SyncJob) -> None:
    assert error_of(api.delete(f"jobs/{queued.pk}/"))["allowed_actions"] == ["pause", "cancel"]


def test_whole_type_is_paused_resumed_started_and_restarted(api: Api, queued: SyncJob, admin: User) -> None:
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    paused = api.post("job-types/airports/pause/", {"resume_at": until})
    assert (paused.status_code, paused.json()["paused_by"]) == (200, "anna")
    assert SyncJob.objects.get().status == "paused"
    for verb in ("run", "start", "restart", "pause"):
        response = api.post(f"job-types/airports/{verb}/")
        assert (response.status_code, error_of(response)["code"]) == (409, "conflict"), verb
    assert api.post("job-types/airports/resume/").json()["paused_at"] is None
    assert api.post("job-types/airports/resume/").status_code == 409
    assert api.post("job-types/airports/start/").status_code == 202
    assert api.post("job-types/airports/restart/").status_code == 202
    assert SyncJob.objects.filter(status="queued").count() == 3


def test_pause_until_a_time_that_has_passed_is_refused(api: Api, job_type: SyncJobType) -> None:
    response = api.post("job-types/airports/pause/", {"resume_at": "2020-01-01T00:00:00Z"})
    assert (response.status_code, list(error_of(response)["fields"])) == (400, ["resume_at"])


def test_equal_dedupe_key_answers_the_waiting_job(api: Api, job_type: SyncJobType) -> None:
    first, second = (api.post("job-types/airports/run/", {"dedupe_key": "k"}).json() for _ in range(2))
    forced = api.post("job-types/airports/run/", {"dedupe_key": "k", "force": True}).json()
    assert first["id"] == second["id"] != forced["id"]


def test_restarting_a_type_needs_the_rights_on_types_and_on_jobs(job_type: SyncJobType, make_api: MakeApi) -> None:
    for rights, status in (
        (("change_syncjobtype",), 403),
        (("change_syncjob",), 403),
        (("change_syncjobtype", "change_syncjob"), 202),
    ):
        assert make_api(*rights).post("job-types/airports/restart/").status_code == status, rights
