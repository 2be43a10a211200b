"""A dispatcher that is killed while it starts what a finished job asks for: the next type runs once."""

from __future__ import annotations

import signal

from connectors.sandbox.server import RunningSandbox
from tests.faults.faulty import wait_until
from tests.faults.stack import Stack, is_final
from tests.faults.things import ask_for, set_up

CHAIN = """
from syncjobs.models import SyncJobType
from syncjobs.operations.chains import save_chain
first = SyncJobType.objects.get(slug="things")
then = SyncJobType.objects.get(slug="things")
then.pk, then._state.adding, then.slug, then.name = None, True, "again", "Again"
then.save()
answer = save_chain(from_type=first, to_type=then, when="change", actor="test").pk
"""
STARTED = """
from syncjobs.models import ChainStart, SyncJob
answer = [
    list(ChainStart.objects.values_list("state", "job_id", "started_job_id")),
    list(SyncJob.objects.filter(job_type__slug="again").values_list("pk", flat=True)),
]
"""


def test_dispatcher_killed_amid_a_chain_neither_loses_nor_doubles_its_start(
    stack: Stack, source: RunningSandbox
) -> None:
    set_up(stack, source)
    stack.python(CHAIN)
    stack.start_broker()
    stack.start_worker()
    first = stack.start_dispatcher(SYNCDECK_CRASH_AT="mid_chain")
    (job_id,) = ask_for(stack)
    assert first.wait(timeout=60) == -signal.SIGKILL
    assert stack.job(job_id)["status"] == "finished"
    assert stack.python(STARTED) == [[["waiting", job_id, None]], []]
    stack.start_dispatcher()
    wait_until(stack, lambda: bool(stack.python(STARTED)[1]))
    [[start], [next_id]] = stack.python(STARTED)
    assert start == ["started", job_id, next_id]
    following = stack.wait_for(next_id, is_final)
    assert (following["status"], following["trigger_type"], following["job_type"]) == ("finished", "chain", "again")
    assert stack.python(STARTED) == [[start], [next_id]]
