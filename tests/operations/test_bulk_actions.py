"""One action on many jobs does to each what it does to one, and says of each other why not."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from syncjobs.lifecycle import StatusConflict
from syncjobs.models import JobEvent, SyncJob
from syncjobs.operations.bulk_actions import ALL_ACTIONS, act_on_jobs
from tests.lifecycle.factories import JobFactory, JobTypeFactory
from tests.operations.test_jobs import ALLOWED, STATES, VERBS

pytestmark = pytest.mark.usefixtures("either_database")
IGNORED = {"id", "token", "created_at", "available_at", "ended_at", "position", "title"}
STAMPS = ("pause_requested_at", "cancel_requested_at")


def shape(job_id: int) -> dict[str, Any] | None:
    """What there is of a job, but for what differs from job to job."""
    row = SyncJob.objects.filter(pk=job_id).values().first()
    if row is None:
        return None
    shown = {name: value for name, value in row.items() if name not in IGNORED}
    texts = {name: str(shown[name]).replace(str(job_id), "#") for name in ("cancel_reason",)}
    events = list(JobEvent.objects.filter(job=job_id).values_list("old", "new", "actor"))
    return shown | texts | {name: shown[name] is not None for name in STAMPS} | {"events": events}


def refusal(action: str, job_id: int) -> str:
    """What the verb on one job says; "" if it is done."""
    try:
        VERBS[action](job_id)
    except StatusConflict as conflict:
        return str(conflict)
    return ""


def test_every_action_is_known() -> None:
    assert {name for names in ALLOWED.values() for name in names.split()} == set(VERBS) == ALL_ACTIONS
    with pytest.raises(ValueError, match="there is no action 'explode'; choose one of: approve, cancel,"):
        act_on_jobs([1], "explode", actor="ann")


@pytest.mark.parametrize("action", sorted(VERBS))
def test_many_are_treated_as_one_alone_would_be(action: str) -> None:
    job_type = JobTypeFactory.create()
    alike = {
        state: [JobFactory.create(job_type=job_type, **columns).pk for _ in range(2)]
        for state, columns in STATES.items()
    }
    result = act_on_jobs([999_999, *(pair[0] for pair in alike.values())], action, actor="ann")
    allowed = [state for state in STATES if action in ALLOWED[state].split()]
    assert result.done == sorted(alike[state][0] for state in allowed)
    assert set(result.refused) == {999_999} | {alike[state][0] for state in STATES if state not in allowed}
    assert result.refused.pop(999_999) == "there is no job #999999"
    for together, alone in alike.values():
        assert result.refused.get(together, "") == refusal(action, alone).replace(f"#{alone}", f"#{together}")
        if action == "restart":  # the new jobs have numbers of their own
            assert SyncJob.objects.filter(restarted_from=together).exists() is (together in result.done)
        else:
            assert shape(together) == shape(alone)


def test_relay_that_is_deleted_together_with_its_children_is_gone() -> None:
    parent = JobFactory.create(status="relayed")
    children = [JobFactory.create(status="finished", parent=parent, position=place).pk for place in range(3)]
    busy = JobFactory.create(status="relayed")
    JobFactory.create(status="queued", parent=busy, position=0)
    result = act_on_jobs([parent.pk, *children, busy.pk], "delete", actor="ann")
    assert result.done == [parent.pk, *children]
    assert "child job is not over" in result.refused[busy.pk]


def test_reason_is_told_in_every_event() -> None:
    jobs = [JobFactory.create(status="held").pk for _ in range(2)]
    act_on_jobs(jobs, "discard", actor="ann", reason="a bad day")
    assert set(JobEvent.objects.values_list("reason", flat=True)) == {"a bad day"}


def test_hundreds_are_moved_by_few_statements(django_assert_max_num_queries: Any) -> None:
    job_type = JobTypeFactory.create()
    rows = SyncJob.objects.bulk_create(JobFactory.build_batch(600, job_type=job_type, created_at=timezone.now()))
    with django_assert_max_num_queries(40):
        assert len(act_on_jobs([row.pk for row in rows], "pause", actor="ann").done) == 600
