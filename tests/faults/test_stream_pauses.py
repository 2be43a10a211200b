"""A stream sync that is paused while its source changes, and goes on elsewhere; and a dry run whose workers die."""

from __future__ import annotations

import signal

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from tests.faults.documents import assert_books_are_in_order
from tests.faults.stack import Stack, is_final
from tests.faults.things import THINGS, ask_for, audit, set_up, thing

pytestmark = pytest.mark.slow
GONE = 10


def test_paused_sync_goes_on_from_its_position_although_the_source_has_changed(
    stack: Stack, source: RunningSandbox
) -> None:
    set_up(stack, source)
    source.set_faults(Fault("slow", seconds=30.0, on="rows", after=3))
    stack.start_broker()
    stack.start_dispatcher()
    first = stack.start_worker("first")
    (job_id,) = ask_for(stack)
    stack.wait_for(job_id, lambda job: bool(job["counts"]["read"]))
    stack.manage("sync", "pause", str(job_id))
    job = stack.wait_for(job_id, lambda job: job["status"] == "paused")
    present = {code for code, _, _ in audit(stack, job_id)["rows"]}
    missing = {str(thing(number)["code"]) for number in range(THINGS)} - present
    assert len(present) == job["counts"]["read"]
    assert min(len(present), len(missing)) > GONE
    stack.manage("sync", "pause", str(job_id), expect=3)
    never_read = set(sorted(missing)[:GONE])
    source.delete_rows("things", [*sorted(present)[:GONE], *never_read])  # by offsets others would now be passed over
    source.clear_faults()
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=30) == 0
    stack.start_worker("second")
    stack.manage("sync", "resume", str(job_id))
    job = stack.wait_for(job_id, is_final)
    stack.manage("sync", "resume", str(job_id), expect=3)
    number = THINGS - GONE
    assert (job["status"], job["counts"]["read"], job["counts"]["inserted"]) == ("finished", number, number)
    books = audit(stack, job_id)
    assert {code for code, _, _ in books["rows"]} == present | missing - never_read
    assert (len(books["rows"]), books["changes"], books["open_batches"]) == (number, 0, 0)
    assert books["attempts"] == ["paused", "finished"]
    assert_books_are_in_order(stack)


@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
def test_dry_run_whose_worker_is_killed_writes_nothing_and_tells_each_change_once(
    stack: Stack, source: RunningSandbox
) -> None:
    set_up(stack, source)
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT="after_claim,after_read:3")
    (real,) = ask_for(stack, batch_size=500)
    stack.wait_for(real, is_final)
    before = audit(stack, real)["rows"]
    assert len(before) == THINGS
    source.change_rows("things", [thing(number) | {"name": "Changed"} for number in range(0, THINGS, 10)])
    for path in stack.data_dir.glob("crashed-*"):
        path.unlink()
    (planned,) = ask_for(stack, dry_run=True)
    job = stack.wait_for(planned, is_final)
    assert (job["status"], job["attempt"], job["counts"]["updated"]) == ("finished", 3, THINGS // 10)
    books = audit(stack, planned)
    assert books["rows"] == before
    assert (books["changes"], books["change_keys"]) == (THINGS // 10, THINGS // 10)
    assert_books_are_in_order(stack)
