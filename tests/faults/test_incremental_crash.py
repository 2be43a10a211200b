"""Kill -9 amid an incremental run whose records have few cursor values: all arrive once, and the cursor moves once."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.server import RunningSandbox
from tests.faults.stack import Stack, is_final
from tests.faults.things import THINGS, ask_for, assert_all_arrived_once, set_up, thing

pytestmark = pytest.mark.slow

STREAM: dict[str, Any] = {"source": "things", "target": "things", "key": ["code"], "batch_size": 500}
STREAM |= {"extent": "incremental", "cursor": {"field": "size"}}
LEDGER = """
from syncjobs.models import StreamCursor
answer = [[entry.old, entry.new, entry.rows, entry.job_id] for entry in StreamCursor.objects.order_by("id")]
"""


@pytest.mark.parametrize("point", ["before_commit:3", "after_target_commit:3"])
def test_incremental_run_killed_between_equal_values_goes_on_exactly_and_the_next_begins_at_its_end(
    stack: Stack, source: RunningSandbox, point: str
) -> None:
    alike = [thing(number) | {"size": str(number // 900)} for number in range(THINGS)]
    source.change_rows("things", alike)
    set_up(stack, source, config={"streams": [STREAM]})
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT=point)
    (job_id,) = ask_for(stack)
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 2), stack.log_text()
    assert_all_arrived_once(stack, job, things=alike)
    assert stack.python(LEDGER) == [[None, "2", THINGS, job_id]]
    source.change_rows("things", [thing(5) | {"size": "3"}])
    (next_id,) = ask_for(stack)
    second = stack.wait_for(next_id, is_final)
    assert (second["counts"]["read"], second["counts"]["updated"]) == (THINGS - 1800 + 1, 1)
    assert stack.python(LEDGER)[1] == ["2", "3", THINGS - 1800 + 1, next_id]
