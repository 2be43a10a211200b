"""Kill -9 and pause amid mirrors, replacements and appends: then each record is there, or gone, exactly once."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from tests.faults.stack import Stack, is_final
from tests.faults.things import THINGS, ask_for, assert_all_arrived_once, audit, set_up, thing

pytestmark = pytest.mark.slow

GONE = [str(thing(number)["code"]) for number in range(0, 2400, 2)]
LEFT = THINGS - len(GONE)
PAUSE = """
from syncjobs.operations.jobs import pause_job
pause_job({job_id}, actor="test")
answer = True
"""
RESUME = PAUSE.replace("pause", "resume")
ASIDES = """
from connectors.base import WriteRequest
from connectors.models import Connector
target = Connector.objects.get(slug="target").open()
answer = [aside.name for aside in target.writer(WriteRequest("things", (), (), "append")).asides()]
"""


def stream(mode: str, **settings: Any) -> dict[str, Any]:
    settings = {"source": "things", "target": "things", "key": ["code"], "batch_size": 500, "mode": mode} | settings
    return {"config": {"streams": [settings]}}


def assert_only_what_is_left(stack: Stack, job: dict[str, Any]) -> dict[str, Any]:
    books = audit(stack, job["id"])
    left = [thing(number) for number in range(THINGS) if thing(number)["code"] not in set(GONE)]
    assert [tuple(row) for row in books["rows"]] == [(one["code"], one["name"], one["size"]) for one in left]
    assert books["open_batches"] == 0
    assert stack.python(ASIDES) == []
    return books


# A first load is six batches; then a mirror reads three and deletes in three, a replacement loads three and swaps.
@pytest.mark.parametrize("point", ["before_commit:11", "after_target_commit:11"])
def test_mirror_killed_amid_reading_and_deleting_deletes_each_record_once(
    stack: Stack, source: RunningSandbox, point: str
) -> None:
    set_up(stack, source, **stream("mirror"))
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT=point)
    (first,) = ask_for(stack)
    assert_all_arrived_once(stack, stack.wait_for(first, is_final))
    source.delete_rows("things", GONE)
    (job_id,) = ask_for(stack)
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 2), stack.log_text()
    counts = job["counts"]
    assert (counts["read"], counts["unchanged"], counts["deleted"]) == (LEFT, LEFT, len(GONE))
    books = assert_only_what_is_left(stack, job)
    assert (books["changes"], books["change_keys"], books["committed_batches"]) == (len(GONE), len(GONE), 6)


@pytest.mark.parametrize("point", ["after_target_commit:11"])
def test_replacement_killed_amid_loading_and_swapping_is_whole(
    stack: Stack, source: RunningSandbox, point: str
) -> None:
    set_up(stack, source, **stream("replace"))
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT=point)
    (first,) = ask_for(stack)
    assert stack.wait_for(first, is_final)["counts"]["inserted"] == THINGS
    source.delete_rows("things", GONE)
    (job_id,) = ask_for(stack)
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 2), stack.log_text()
    counts = job["counts"]
    assert (counts["read"], counts["inserted"], counts["deleted"], counts["skipped"]) == (LEFT, LEFT, THINGS, 0)
    assert assert_only_what_is_left(stack, job)["committed_batches"] == 4


def test_mirror_that_is_paused_and_resumed_remembers_what_it_has_seen(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source, **stream("mirror"))
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker()
    (first,) = ask_for(stack)
    assert_all_arrived_once(stack, stack.wait_for(first, is_final))
    source.delete_rows("things", GONE)
    source.set_faults(Fault("slow", seconds=1))
    (job_id,) = ask_for(stack)
    stack.wait_for(job_id, lambda job: bool(job["counts"]["read"]))
    stack.python(PAUSE.format(job_id=job_id))
    paused = stack.wait_for(job_id, lambda job: job["status"] in ("paused", "finished"))
    assert paused["status"] == "paused"
    assert 0 < paused["counts"]["read"] < LEFT
    source.clear_faults()
    stack.python(RESUME.format(job_id=job_id))
    job = stack.wait_for(job_id, is_final)
    counts = job["counts"]
    assert (counts["read"], counts["unchanged"], counts["deleted"]) == (LEFT, LEFT, len(GONE))
    assert_only_what_is_left(stack, job)


@pytest.mark.parametrize("point", ["after_target_commit:3"])
def test_append_without_a_key_that_is_killed_adds_no_record_twice(
    stack: Stack, source: RunningSandbox, point: str
) -> None:
    set_up(stack, source, **stream("append", key=[]))
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT=point)
    (job_id,) = ask_for(stack)
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 2), stack.log_text()
    assert (job["counts"]["read"], job["counts"]["inserted"]) == (THINGS, THINGS)
    books = audit(stack, job_id)
    assert [row[0] for row in books["rows"]] == [thing(number)["code"] for number in range(THINGS)]
    (again,) = ask_for(stack)
    assert stack.wait_for(again, is_final)["counts"]["inserted"] == THINGS
    assert len(audit(stack, again)["rows"]) == 2 * THINGS
