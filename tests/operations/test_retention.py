"""Jobs whose time is over go, oldest first and whole; what is at work, waits for somebody or is compared with stays."""

from __future__ import annotations

from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from syncjobs.management.housekeeping import keep_house
from syncjobs.models import JobEvent, JobLog, Plan, SyncJob, SyncJobType
from syncjobs.operations.retention import prune_jobs
from tests.commands.conftest import Ask, ask
from tests.lifecycle.factories import JobFactory, JobTypeFactory

__all__ = ["ask"]
pytestmark = pytest.mark.usefixtures("either_database")
NOW = timezone.now()
OLD = NOW - timedelta(days=31)


@pytest.fixture
def items() -> SyncJobType:
    job_type = JobTypeFactory.create(slug="items", retention_days=30)
    ended("finished", job_type)  # the newest of its stream, with which guards compare
    return job_type


def ended(status: str, job_type: SyncJobType, days: float = 31, **columns: Any) -> SyncJob:
    moment = NOW - timedelta(days=days)
    shared = {"job_type": job_type, "status": status, "created_at": moment, "ended_at": moment}
    return JobFactory.create(**shared | columns)


def left(*jobs: SyncJob) -> list[bool]:
    there = set(SyncJob.objects.values_list("pk", flat=True))
    return [job.pk in there for job in jobs]


def test_what_ended_before_the_days_of_its_type_goes_whole(items: SyncJobType) -> None:
    statuses = ("skipped", "relayed", "no_target", "failed", "error", "canceled")
    over = [ended(status, items) for status in statuses]
    young = [ended(status, items, days=29) for status in statuses]
    elsewhere = ended("canceled", JobTypeFactory.create(slug="kept"))
    JobLog.objects.create(job=over[0], level="INFO", message="Read 5", created_at=OLD)
    assert prune_jobs(now=NOW) == {"items": 6}
    assert left(*over, *young, elsewhere) == [False] * 6 + [True] * 7
    assert not JobLog.objects.exists()
    assert not JobEvent.objects.filter(job__in=[job.pk for job in over]).exists()
    assert prune_jobs(now=NOW) == {"items": 0}


def test_what_is_active_held_or_planned_stays(items: SyncJobType) -> None:
    stays = [ended(status, items, ended_at=None) for status in ("pending", "queued", "started", "paused", "held")]
    stays.append(ended("failed", items, retry_after=NOW))
    for state, days, is_kept in (
        ("sealed", 1, True),
        ("approved", 1, True),
        ("sealed", -1, False),
        ("applied", 1, False),
    ):
        planned = ended("finished", items, dry_run=True)
        Plan.objects.create(job=planned, state=state, sealed_at=OLD, expires_at=NOW + timedelta(days=days))
        if is_kept:
            stays.append(planned)
    assert prune_jobs(now=NOW) == {"items": 2}
    assert left(*stays) == [True] * len(stays)


def test_a_relay_goes_with_its_children_once_all_are_over(items: SyncJobType) -> None:
    over, busy = ended("relayed", items), ended("relayed", items)
    children = [ended("error", items, parent=over, position=place) for place in range(3)]
    waiting = [
        ended("finished", items, parent=busy, position=0, source_document_type="s"),
        ended("queued", items, parent=busy, position=1),
    ]
    assert prune_jobs(now=NOW) == {"items": 1}
    assert left(over, *children, busy, *waiting) == [False] * 4 + [True] * 3


def test_the_newest_finished_job_of_each_stream_stays(items: SyncJobType) -> None:
    older, newer = (ended("finished", items, days=days, source_document_type="s/a") for days in (90, 60))
    dry = ended("finished", items, source_document_type="s/a", dry_run=True)
    assert prune_jobs(now=NOW) == {"items": 2}
    assert left(older, newer, dry) == [False, True, False]


def test_the_command_counts_before_it_removes(ask: Ask, items: SyncJobType) -> None:
    kept = JobTypeFactory.create(slug="kept")
    jobs = [ended("canceled", items), ended("canceled", kept, days=400)]
    assert ask("prune", "--dry-run").output == "items: 1 job would go\n"
    assert left(*jobs) == [True, True]
    assert ask("prune", "--days", "365", "--json").json == {"dry_run": False, "removed": {"items": 1, "kept": 1}}
    assert left(*jobs) == [False, False]
    SyncJobType.objects.update(retention_days=None)
    assert "no type has retention_days" in ask("prune").output
    assert ask("prune", "--days", "soon").code == 2
    assert ask("prune", "--type", "nope").code == 3


def test_the_dispatcher_tidies_up_by_itself(transactional_db: None, items: SyncJobType) -> None:
    over = ended("canceled", items)
    Session.objects.create(session_key="over", session_data=SessionStore().encode({}), expire_date=OLD)
    stopped = Event()
    thread = keep_house(stopped, first=0.0, every=0.01)
    for _ in range(500):
        if not SyncJob.objects.filter(pk=over.pk).exists() and not Session.objects.exists():
            break
        thread.join(0.01)
    stopped.set()
    thread.join(10)
    assert left(over) == [False]
    assert not Session.objects.exists()
    assert not thread.is_alive()
