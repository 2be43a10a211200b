"""People, types and jobs for the portal's tests. Rows are made by operations where there is one for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from connectors.models import Connector
from syncjobs.models import Attempt, Change, JobBatch, JobEvent, JobLog, Schedule, SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, pin_version, save_job_type
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Crontab
from syncjobs.statuses import FINAL, Status

SECRET = "s3cr3t-never-to-be-shown"
ATTACK = "<script>alert('portal')</script>"
MakeJob = Callable[..., SyncJob]
MakeStaff = Callable[..., Client]


@pytest.fixture(autouse=True)
def quick_passwords(settings: LazySettings) -> None:
    """A safe hash takes half a second for each person that a test makes."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("anna", "anna@example.org", "a-good-password")


@pytest.fixture
def portal(admin: User) -> Client:
    """A browser in which an administrator is logged in."""
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def make_staff(db: None) -> MakeStaff:
    """Makes a client of a staff member with exactly these permissions ("view_syncjob", …)."""

    def make(*codenames: str) -> Client:
        user = User.objects.create_user(f"staff{User.objects.count()}", password="x", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def source(db: None) -> Connector:
    """A connector with a secret; nothing listens at its address."""
    shape = {"slug": "open-data", "name": f"Open data {ATTACK}", "kind": "soda"}
    config = {"base_url": "http://127.0.0.1:9", "datasets": {"airports": "aaaa-bbbb"}}
    return save_connector(connector_from_shape(shape | {"config": config, "credentials": {"app_token": SECRET}}))


@pytest.fixture
def target(db: None, settings: LazySettings) -> Connector:
    for left in Path(settings.SYNCDECK_DATA_DIR).glob("store.sqlite3*"):  # of another test
        left.unlink()
    return save_connector(
        connector_from_shape({"slug": "store", "kind": "sqlite", "config": {"path": "store.sqlite3"}})
    )


@pytest.fixture
def job_type(source: Connector, target: Connector) -> SyncJobType:
    stream = {"source": "airports", "target": "airports", "key": ["icao"], "mode": "upsert", "extent": "full"}
    shape: dict[str, Any] = {"slug": "airports", "name": "Airports", "description": f"All of them {ATTACK}"}
    shape |= {"source_connector": "open-data", "target_connector": "store", "config": {"streams": [stream]}}
    return save_job_type(job_type_from_shape(shape), actor="anna")


@pytest.fixture
def schedule(job_type: SyncJobType) -> Schedule:
    rule = Crontab.from_line("8 2 * * *", "Europe/Berlin")
    return save_schedule(job_type=job_type, name=f"Nightly {ATTACK}", rule=rule, actor="anna")


@pytest.fixture
def make_job(job_type: SyncJobType) -> MakeJob:
    """Makes a job's row in any status, with its attempt and events, as a worker would have left it."""

    def make(status: Status = Status.FINISHED, **values: Any) -> SyncJob:
        created = timezone.now() - timedelta(minutes=5)
        known: dict[str, Any] = {
            "title": "Airports: open-data/airports > store/airports",
            "job_type": job_type,
            "type_version": pin_version(job_type, actor="anna"),
            "trigger_type": "manual",
            "status": status.value,
            "created_at": created,
            "config_snapshot": job_type.snapshot(),
            "source_document_type": "open-data/airports",
            "target_document_type": "store/airports",
        }
        if status not in (Status.PENDING, Status.QUEUED):
            known |= {"started_at": created, "attempt": 1}
        if status in FINAL:
            known |= {"ended_at": created + timedelta(seconds=3), "time_taken": 3.0}
        job = SyncJob.objects.create(**(known | values))
        JobEvent.objects.create(job=job, new=status.value, reason="as told", actor="anna", created_at=created)
        if job.started_at:
            Attempt.objects.create(job=job, number=1, worker="worker-1", started_at=created, failure=job.failure)
        return job

    return make


@pytest.fixture
def attacked_job(make_job: MakeJob) -> SyncJob:
    """A started job all of whose texts try to become markup."""
    job = make_job(Status.STARTED, title=f"Title {ATTACK}", wait_reason=ATTACK, phase="writing", total_estimate=100)
    failure = {"class": "data", "code": ATTACK, "message": f"bad {ATTACK}", "hint": ATTACK, "retryable": False}
    SyncJob.objects.filter(pk=job.pk).update(failure=failure, error_message=ATTACK, context={"x": ATTACK})
    batch = JobBatch.objects.create(
        job=job, stream="airports", batch_no=1, state="committed", created_at=job.created_at
    )
    fields = {"name": [ATTACK, f"new {ATTACK}"], "size": [1, None]}
    Change.objects.create(
        job=job, batch=batch, stream="airports", key={"icao": ATTACK}, key_hash=1, operation="update", fields=fields
    )
    JobLog.objects.create(job=job, level="ERROR", message=f"line {ATTACK}", created_at=job.created_at)
    JobEvent.objects.create(job=job, new="started", reason=ATTACK, actor=ATTACK, created_at=job.created_at)
    job.refresh_from_db()
    return job
