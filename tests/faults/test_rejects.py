"""Kill -9 around the commit of a batch that sets records aside: each is kept once, and the counts are exact."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.server import RunningSandbox
from tests.faults.stack import Stack, is_final
from tests.faults.things import THINGS, ask_for, import_shapes, source_shape, target_shape

pytestmark = pytest.mark.slow

MAPPING = [
    {"to": "code", "from": "code", "type": "text"},
    {"to": "name", "from": "name", "type": "text"},
    {"to": "size", "from": "size", "type": "decimal", "transforms": [{"op": "bounds", "min": 0, "outside": "reject"}]},
]
STREAM = {"source": "things", "target": "things", "key": ["code"], "mode": "upsert", "batch_size": 500}
BAD = ("T00010", "T01200", "T01201", "T02599")
NOT_EMPTY = """
from connectors.base import WriteRequest
from connectors.models import Connector
from connectors.records import Field
target = Connector.objects.get(slug="target").open()
fields = (Field("code", "text", nullable=False), Field("name", "text", nullable=False), Field("size", "decimal"))
target.writer(WriteRequest("things", fields, ("code",), "upsert")).prepare()
target.close()
answer = True
"""
BOOKS = """
from syncjobs.models import JobBatch, Reject
from syncjobs.operations.state_checks import find_breaches
answer = {{
    "rejects": sorted(
        [one.key["code"], one.state, one.batch.state, one.closed_by_job_id] for one in Reject.objects.all()
    ),
    "batches": JobBatch.objects.filter(job={job_id}, state="committed").count(),
    "open": JobBatch.objects.filter(state="open").count(),
    "breaches": [breach.message for breach in find_breaches()],
}}
"""
REPLAY = """
from syncjobs.models import SyncJobType
from syncjobs.operations.rejects import replay_rejects
answer = replay_rejects(job_type=SyncJobType.objects.get(slug="things"), actor="test").pk
"""
MEND = """
from syncjobs.models import SyncJobType
from syncjobs.operations.job_types import save_job_type
job_type = SyncJobType.objects.get(slug="things")
rules = job_type.config["streams"][0]["mapping"]
rules[1] = {"to": "name", "case": [{"when": {"field": "name", "op": "is_null", "value": True}, "then": "none"}]}
rules[1]["else"] = "named"
rules[2]["transforms"] = []
save_job_type(job_type, actor="test")
answer = True
"""


@pytest.fixture
def bad_things(stack: Stack, source: RunningSandbox) -> Stack:
    """A Syncdeck whose source has four bad things, two for the mapping and two for the target; no process yet."""
    source.change_rows("things", [{"code": code, "size": "-1"} for code in BAD[::2]])
    source.change_rows("things", [{"code": code, "name": None} for code in BAD[1::2]])
    stream = STREAM | {"mapping": MAPPING, "on_reject": {"policy": "quarantine"}}
    job_type = {"slug": "things", "name": "Things", "source_connector": "source", "target_connector": "target"}
    shape = job_type | {"retry_delay": 0, "config": {"streams": [stream]}}
    import_shapes(stack, [source_shape(source), target_shape(stack)], [shape])
    stack.python(NOT_EMPTY)
    return stack


def books(stack: Stack, job_id: int) -> dict[str, Any]:
    found: dict[str, Any] = stack.python(BOOKS.format(job_id=job_id))
    return found


def test_worker_killed_after_and_before_a_commit_with_rejects_keeps_each_once(bad_things: Stack) -> None:
    """After the first batch, and before the third is written without what the target refuses."""
    stack = bad_things
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT="after_target_commit:1,before_commit:3")
    (job_id,) = ask_for(stack)
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 3), stack.log_text()
    good = THINGS - len(BAD)
    counts = {name: number for name, number in job["counts"].items() if number}
    assert counts == {"read": THINGS, "inserted": good, "rejected": len(BAD)}
    found = books(stack, job_id)
    assert found["rejects"] == [[code, "open", "committed", None] for code in BAD]
    assert (found["batches"], found["open"], found["breaches"]) == (6, 0, [])


def test_worker_killed_after_the_commit_of_a_replay_closes_what_it_wrote(bad_things: Stack) -> None:
    stack = bad_things
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT="after_target_commit:7")
    (job_id,) = ask_for(stack)
    assert stack.wait_for(job_id, is_final)["attempt"] == 1
    stack.python(MEND)
    replay_id = stack.python(REPLAY)
    job = stack.wait_for(replay_id, is_final)
    assert (job["status"], job["attempt"], job["counts"]["inserted"]) == ("finished", 2, len(BAD)), stack.log_text()
    found = books(stack, replay_id)
    assert found["rejects"] == [[code, "replayed", "committed", replay_id] for code in BAD]
    assert (found["batches"], found["open"], found["breaches"]) == (1, 0, [])
