"""The books of stream syncs: in order after whatever may become of one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from syncjobs.models import Change, SyncJob, SyncJobType
from syncjobs.operations.inline_runs import run_to_the_end
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.jobs import retry_job, run_queued_job_here
from syncjobs.operations.state_checks import find_breaches
from syncjobs.statuses import Trigger
from tests.streams.conftest import RECORDS, STREAM, run


def test_runs_that_change_something_nothing_or_only_plan_break_nothing(
    items: Callable[..., SyncJobType], source: RunningSandbox
) -> None:
    job_type = items(batch_size=10)
    assert run(job_type, dry_run=True).status == "finished"
    assert run(job_type).status == "finished"
    source.change_rows("items", [RECORDS[1] | {"name": "Another"}])
    changed = run(job_type)
    assert (changed.counts["updated"], changed.changes.count()) == (1, 1)
    assert run(job_type).counts["unchanged"] == 25
    assert list(find_breaches()) == []


def test_a_run_that_failed_and_was_retried_breaks_nothing(
    items: Callable[..., SyncJobType], source: RunningSandbox
) -> None:
    job_type = items(batch_size=10)
    source.set_faults(Fault("html", on="rows"))
    failed = run(job_type)
    assert failed.status == "failed"
    assert list(find_breaches()) == []
    source.clear_faults()
    again = run_queued_job_here(retry_job(failed.pk, actor="ann"), on_wait=pytest.fail)
    assert (again.status, again.attempt) == ("finished", 2)
    assert list(find_breaches()) == []


def test_a_relay_breaks_nothing_and_a_change_too_many_is_told(items: Callable[..., SyncJobType]) -> None:
    streams = [STREAM, STREAM | {"source": "more", "target": "more"}]
    job_type = items({"config": {"streams": streams}})
    job = run_job_type(job_type, trigger=Trigger.CLI, actor="test")
    assert run_to_the_end(job, on_wait=pytest.fail).status == "relayed"
    assert list(find_breaches()) == []
    child = SyncJob.objects.get(parent=job, position=0)
    batch = child.batches.get()
    for number in range(26):
        Change.objects.create(
            job=child, batch=batch, stream="items", key={"code": number}, key_hash=number, operation="insert"
        )
    assert [found.rule for found in find_breaches()] == ["kept_changes"]
