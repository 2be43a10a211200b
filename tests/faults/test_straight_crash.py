"""Kill -9 amid a copy between two PostgreSQL databases: a first load, then an update, each counts exactly once."""

from __future__ import annotations

import psycopg
import pytest

from tests.faults.stack import Stack, is_final
from tests.faults.things import ask_for, audit, import_shapes, target_shape

pytestmark = pytest.mark.slow

RECORDS, BATCH_SIZE, CHANGED = 1_500, 300, 250
FILL = """
    CREATE SCHEMA source;
    CREATE TABLE source.things (code text PRIMARY KEY, name text, size int);
    INSERT INTO source.things
        SELECT 'T' || lpad(n::text, 5, '0'), 'Thing ' || n, n FROM generate_series(1, 1500) AS n
"""


# Five batches of a load, then five of an update; a worker that takes over counts from one.
@pytest.mark.parametrize("points", ["after_read:2,before_commit:7", "after_target_commit:3,before_checkpoint:4"])
@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
def test_copies_killed_amid_a_load_and_an_update_write_and_count_each_record_once(stack: Stack, points: str) -> None:
    with psycopg.connect(stack.warehouse_url, autocommit=True) as warehouse:
        warehouse.execute(FILL)
        target = target_shape(stack)
        source = target | {"slug": "source", "config": target["config"] | {"schema": "source"}}
        stream = {"source": "things", "target": "things", "key": ["code"], "batch_size": BATCH_SIZE}
        shape = {"slug": "things", "name": "Things", "source_connector": "source", "target_connector": "target"}
        import_shapes(stack, [source, target], [shape | {"config": {"streams": [stream]}}])
        stack.start_broker()
        stack.start_dispatcher()
        stack.start_worker(SYNCDECK_CRASH_AT=points)
        (first,) = ask_for(stack)
        job = stack.wait_for(first, is_final)
        assert (job["status"], job["attempt"]) == ("finished", 2), stack.log_text()
        assert (job["counts"]["read"], job["counts"]["inserted"]) == (RECORDS, RECORDS)
        warehouse.execute(b"UPDATE source.things SET name = 'new' WHERE size % 6 = 0")
        (second,) = ask_for(stack)
        job = stack.wait_for(second, is_final)
        assert (job["status"], job["attempt"]) == ("finished", 2), stack.log_text()
        assert (job["counts"]["updated"], job["counts"]["unchanged"]) == (CHANGED, RECORDS - CHANGED)
        books = audit(stack, second)
        assert (books["changes"], books["change_keys"], books["open_batches"]) == (CHANGED, CHANGED, 0)
        assert books["committed_batches"] == RECORDS // BATCH_SIZE
        difference = "SELECT count(*) FROM ({0} EXCEPT ALL {1}) AS d"
        here, there = "SELECT code, name, size FROM source.things", "SELECT code, name, size FROM public.things"
        for one, other in ((here, there), (there, here)):
            assert warehouse.execute(difference.format(one, other).encode()).fetchone() == (0,)
