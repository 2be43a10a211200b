"""A source that may be asked only so often, and one that asks to be left alone for a while: with real workers."""

from __future__ import annotations

import time

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from tests.faults.stack import Stack, is_final
from tests.faults.things import ask_for, import_shapes, set_up, source_shape, target_shape

pytestmark = pytest.mark.slow
PER_MINUTE = 400
STREAM = {"source": "things", "key": ["code"], "mode": "upsert", "extent": "full", "batch_size": 200}
SPAN = """
from syncjobs.models import Attempt
attempts = list(Attempt.objects.all())
answer = [
    (max(one.ended_at for one in attempts) - min(one.started_at for one in attempts)).total_seconds(),
    [one.phase_seconds.get("waiting", 0) for one in attempts],
]
"""
LINES = """
from syncjobs.models import JobLog
answer = [line.message for line in JobLog.objects.filter(job={job_id}, level="WARNING")]
"""


def test_two_workers_keep_a_connectors_limit_of_requests_together(stack: Stack, source: RunningSandbox) -> None:
    types = [
        {
            "slug": target,
            "name": target.title(),
            "source_connector": "source",
            "target_connector": "target",
            "config": {"streams": [STREAM | {"target": target}]},
        }
        for target in ("things", "copies")
    ]
    import_shapes(stack, [source_shape(source) | {"rate_limit_per_minute": PER_MINUTE}, target_shape(stack)], types)
    stack.start_broker()
    stack.start_dispatcher()
    for name in ("first", "second"):
        stack.start_worker(name)
    jobs = [*ask_for(stack, slug="things"), *ask_for(stack, slug="copies")]
    ended = [stack.wait_for(job, is_final) for job in jobs]
    assert [(job["status"], job["failure"]) for job in ended] == [("finished", None)] * 2
    seconds, waits = stack.python(SPAN)
    assert len(source.requests) >= 30
    assert seconds >= (len(source.requests) - 1) * 60 / PER_MINUTE
    assert all(waits)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_job_that_was_told_to_come_back_later_shows_that_it_waits_and_is_canceled_at_once(
    stack: Stack, source: RunningSandbox
) -> None:
    set_up(stack, source)
    source.set_faults(Fault("rate_limited", on="rows", retry_after=250, after=2))
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker()
    (job_id,) = ask_for(stack)
    job = stack.wait_for(job_id, lambda job: job["phase"] == "waiting")
    assert (job["status"], job["attempt"]) == ("started", 1)
    asked = time.monotonic()
    stack.manage("sync", "cancel", str(job_id))
    job = stack.wait_for(job_id, is_final)
    assert time.monotonic() - asked < 20  # 10 s, and what commands take on a busy machine
    assert (job["status"], job["retry_count"]) == ("canceled", 0)
    assert job["counts"]["read"] == job["counts"]["inserted"]
    told = [line for line in stack.python(LINES.format(job_id=job_id)) if "slow down" in line]
    assert [line.partition(" ")[2] for line in told] == ["asked to slow down (429); retry 1/8 in 250 s"]
