"""Kill -9 amid a stream that is split into child jobs, on two workers: each record arrives and counts once."""

from __future__ import annotations

import psycopg
import pytest

from tests.faults.stack import Stack, is_final
from tests.faults.things import ask_for, import_shapes, target_shape

pytestmark = pytest.mark.faults

RECORDS = 2_400
FILL = """
    CREATE SCHEMA source;
    CREATE TABLE source.things (code integer PRIMARY KEY, name text);
    INSERT INTO source.things SELECT n * 3 - 900, 'Thing ' || n FROM generate_series(1, 2400) AS n
"""
CHILDREN = """
from syncjobs.models import SyncJob
from syncjobs.operations.descriptions import describe_job
answer = [describe_job(child) for child in SyncJob.objects.filter(parent={parent}).order_by("position")]
"""


@pytest.mark.parametrize("points", ["mid_relay", "before_commit:3", "after_target_commit:3"])
@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
def test_split_stream_outlives_the_death_of_either_worker(stack: Stack, points: str) -> None:
    with psycopg.connect(stack.warehouse_url, autocommit=True) as warehouse:
        warehouse.execute(FILL)
        target = target_shape(stack)
        source = target | {"slug": "source", "config": target["config"] | {"schema": "source"}}
        stream = {"source": "things", "target": "things", "key": ["code"], "batch_size": 200}
        stream |= {"split": {"children": 4, "rows": 100}}
        shape = {"slug": "things", "name": "Things", "source_connector": "source", "target_connector": "target"}
        import_shapes(stack, [source, target], [shape | {"config": {"streams": [stream]}}])
        stack.start_broker()
        stack.start_dispatcher()
        for name in ("one", "two"):
            stack.start_worker(name, SYNCDECK_CRASH_AT=points)
        (parent,) = ask_for(stack)
        assert stack.wait_for(parent, is_final)["status"] == "relayed", stack.log_text()
        children = stack.python(CHILDREN.format(parent=parent))
        ended = [stack.wait_for(child["id"], is_final) for child in children]
        assert [child["status"] for child in ended] == ["finished"] * 4, stack.log_text()
        lost = stack.job(parent)["attempt"] + sum(child["attempt"] for child in ended) - 5
        assert lost, "nobody was killed"
        assert sum(child["counts"]["read"] for child in ended) == RECORDS
        assert sum(child["counts"]["inserted"] for child in ended) == RECORDS
        difference = "SELECT count(*) FROM ({0} EXCEPT ALL {1}) AS d"
        here, there = "SELECT code, name FROM source.things", "SELECT code, name FROM public.things"
        for one, other in ((here, there), (there, here)):
            assert warehouse.execute(difference.format(one, other).encode()).fetchone() == (0,)
