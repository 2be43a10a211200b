"""The page of a verb that is not accepted now: it says why, in the operation's own words, and what to do instead."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from syncjobs.lifecycle import allowed_actions
from syncjobs.lifecycle.actions import REFUSALS
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.refused_verbs import why_refused
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob

CHANGED = {"read": 30, "inserted": 1}


def read(client: Client, job: SyncJob, verb: str) -> str:
    text = client.get(reverse(f"admin:job_{verb}", args=[job.pk])).content.decode()
    assert "This cannot be done now" in text
    return re.sub(r"<[^>]+>", " ", text).replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("verb", "status", "values", "reason"),
    [
        ("revert", Status.FINISHED, {}, "It cannot be reverted, since it changed nothing."),
        ("revert", Status.FINISHED, {"dry_run": True}, "since a dry run writes nothing."),
        ("revert", Status.STARTED, {}, "There is nothing to bring back: it is started."),
        ("revert", Status.FINISHED, {"counts": CHANGED}, "it kept 0 of its 1 changes; more than 100,000"),
        ("apply", Status.FINISHED, {}, "It left no plan: only a dry run that has finished leaves one."),
        ("apply", Status.FINISHED, {"dry_run": True}, "It left no plan. Make a dry run of its type"),
        ("cancel", Status.HELD, {}, "It is held, and has written nothing. Discard it."),
        ("cancel", Status.FINISHED, {}, "It is over, so there is nothing to stop; what it wrote stays."),
        ("discard", Status.FINISHED, {}, "No guard has stopped it: it is finished."),
        ("restart", Status.HELD, {}, "It is not over: it is held. Approve or discard it."),
        ("restart", Status.PENDING, {}, "It has not begun. Start it."),
        ("delete", Status.QUEUED, {}, "It is not over: it is queued. Cancel it first."),
        ("cancel_children", Status.FINISHED, {}, "It has no child jobs: it did its work itself."),
    ],
)
def test_a_refused_question_says_why_and_what_to_do(
    portal: Client, make_job: MakeJob, verb: str, status: Status, values: dict[str, Any], reason: str
) -> None:
    assert reason in read(portal, make_job(status, **values), verb)


def test_a_retry_that_is_due_stands_in_the_way_of_deleting(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.FAILED, retry_after=timezone.now() + timedelta(minutes=1))
    text = read(portal, job, "delete")
    assert "It is not over: it is failed with a retry due. Cancel it first." in text
    assert "On its page you can: retry, restart, cancel." in text


def test_a_job_that_was_asked_to_stop_says_so(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.STARTED, cancel_requested_at=timezone.now())
    assert "It was asked to stop already, and ends within 10 seconds." in read(portal, job, "cancel")


def test_children_at_work_stand_in_the_way_of_deleting(portal: Client, make_job: MakeJob) -> None:
    parent = make_job(Status.RELAYED)
    make_job(Status.QUEUED, parent=parent, position=0)
    assert "1 child job is not over. Cancel the children first." in read(portal, parent, "delete")


def test_a_paused_type_reverts_nothing_and_the_question_says_so(
    portal: Client, make_job: MakeJob, job_type: SyncJobType
) -> None:
    checkpoint = {"kept_changes": 1, "fields": [["icao", "text", False]]}
    job = make_job(Status.FINISHED, counts=CHANGED, checkpoint=checkpoint)
    assert "revert" in allowed_actions(job)
    SyncJobType.objects.filter(pk=job_type.pk).update(paused_at=timezone.now())
    assert "Airports is paused, so nothing of it starts. Resume the type first." in read(portal, job, "revert")


@pytest.mark.parametrize("status", list(Status))
def test_there_is_a_reason_for_each_verb_exactly_where_it_is_not_allowed(make_job: MakeJob, status: Status) -> None:
    job = make_job(status)
    without = {name for name in REFUSALS if why_refused(job, name, timezone.now()) is None}
    assert without == set(allowed_actions(job))


def test_a_type_with_active_jobs_cannot_be_deleted_and_its_question_says_so(
    portal: Client, make_job: MakeJob, job_type: SyncJobType
) -> None:
    question = reverse("admin:job_type_delete", args=[job_type.slug])
    assert "Delete the type</button>" in portal.get(question).content.decode()
    job = make_job(Status.STARTED)
    text = portal.get(question).content.decode()
    assert f"airports has active jobs: #{job.pk}. Wait for them, or cancel them first." in text
    assert "Delete the type</button>" not in text
