"""Jobs run to their end in the calling process: retries, children, and a dispatcher that was quicker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from connectors.errors import TransientError
from syncjobs.controllers import registry
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.lifecycle import admit_jobs, create_children
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.inline_runs import run_to_the_end
from syncjobs.operations.job_types import run_job_type
from syncjobs.statuses import Status, Trigger
from tests.lifecycle.factories import JobTypeFactory, see_worker

pytestmark = pytest.mark.django_db(transaction=True)


class Stubborn:
    """Fails as often as its type's config says; relays first if that says so. A real controller."""

    name = "stubborn"

    def type_problems(self, job_type: SyncJobType) -> dict[str, list[str]]:
        return {}

    def execute(self, sync_job: JobHandle, source_doc: Any) -> Outcome:
        job = sync_job.job
        if sync_job.config.get("children") and job.parent_id is None:
            shared = {"title": "child", "config_snapshot": job.config_snapshot}
            create_children(job, [shared] * sync_job.config["children"], timezone.now())
            return Outcome(Status.RELAYED)
        if job.attempt <= sync_job.config.get("failures", 0):
            raise TransientError("away", "the source was away")
        return Outcome()


@pytest.fixture(autouse=True)
def stubborn() -> Iterator[None]:
    registry.register_controller(Stubborn())
    yield
    del registry._controllers["stubborn"]


def ask(**config: Any) -> SyncJob:
    job_type = JobTypeFactory.create(controller="stubborn", retry_delay=1, max_retries=2, config=config)
    return run_job_type(job_type, trigger=Trigger.CLI, actor="test")


def test_a_retry_is_waited_for_and_run_here() -> None:
    heard: list[str] = []
    job = run_to_the_end(ask(failures=1), heard.append)
    assert (job.status, job.attempt, job.retry_count) == ("finished", 2, 1)
    assert len(heard) == 1
    assert heard[0].startswith("attempt 1 failed; retry 1 of 2 at ")


def test_after_the_last_retry_the_job_has_failed_for_good() -> None:
    job = run_to_the_end(ask(failures=9), lambda _: None)
    assert (job.status, job.attempt, job.retry_after) == ("failed", 3, None)


def test_children_of_a_relay_run_here_too_with_their_own_retries() -> None:
    parent = run_to_the_end(ask(children=3, failures=1), lambda _: None)
    assert parent.status == "relayed"
    children = list(parent.children.order_by("position").values_list("status", "attempt"))
    assert children == [("finished", 2)] * 3


def test_a_job_that_the_dispatcher_admitted_first_still_runs_here() -> None:
    job = ask()
    see_worker("default")
    assert len(admit_jobs(timezone.now())) == 1
    job = run_to_the_end(job, lambda _: None)
    assert job.status == "finished"
    assert "(inline)" in job.attempts.get().worker
