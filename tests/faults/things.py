"""The records that fault tests move, the job type that moves them, and the proof that all of them arrived once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox.datasets import DatasetSpec, four_by_four
from connectors.sandbox.server import RunningSandbox
from tests.faults.stack import Stack

THINGS = 2_600
BATCH_SIZE = 500

SET_UP = """
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
shapes = json.loads({shapes!r})
for shape in shapes["connectors"]:
    save_connector(connector_from_shape(shape))
for shape in shapes["types"]:
    save_job_type(job_type_from_shape(shape), actor="test")
answer = True
"""
RUN = """
from syncjobs.models import SyncJobType
from syncjobs.operations.job_types import run_job_type
from syncjobs.statuses import Trigger
job_type = SyncJobType.objects.get(slug={slug!r})
answer = [run_job_type(job_type, trigger=Trigger.API, actor="test", **{options!r}).pk for _ in range({times})]
"""
AUDIT = """
from django.db.models import Count, Max
from connectors.models import Connector
from syncjobs.models import Attempt, Change, JobBatch, JobEvent, SyncJob
job = SyncJob.objects.get(pk={job_id})
changes = Change.objects.filter(job=job)
target = Connector.objects.get(slug="target").open()
from connectors.records import ReadRequest
pages = target.read(ReadRequest("things", key=("code",)))
rows = [dict(zip(page.names, row)) for page in pages for row in page.rows]
answer = {{
    "changes": changes.count(),
    "change_keys": changes.values("key_hash").distinct().count(),
    "open_batches": JobBatch.objects.filter(job=job, state="open").count(),
    "committed_batches": JobBatch.objects.filter(job=job, state="committed").count(),
    "attempts": list(Attempt.objects.filter(job=job).values_list("outcome", flat=True)),
    "moves": [f"{{event.old}}>{{event.new}}" for event in JobEvent.objects.filter(job=job)],
    "lease_owner": job.lease_owner,
    "rows": sorted((row["code"], row["name"], str(row["size"])) for row in rows),
}}
"""


def thing(number: int) -> dict[str, object]:
    return {"code": f"T{number:05d}", "name": f"Thing {number} \u00e4\U0001f600", "size": str(number * 10)}


def things_dataset(number: int) -> DatasetSpec:
    columns = {"code": "text", "name": "text", "size": "number"}
    return DatasetSpec(key=("code",), columns=columns, rows=[thing(one) for one in range(number)])


def source_shape(source: RunningSandbox) -> dict[str, Any]:
    datasets = {name: four_by_four(name) for name in ("things", "others")}
    return {"slug": "source", "kind": "soda", "config": {"base_url": source.url.rstrip("/"), "datasets": datasets}}


def target_shape(stack: Stack) -> dict[str, Any]:
    if not stack.warehouse_url:
        return {"slug": "target", "kind": "sqlite", "config": {"path": "warehouse.sqlite3"}}
    url = urlsplit(stack.warehouse_url)
    config = {"host": url.hostname, "port": url.port, "user": url.username, "dbname": url.path.strip("/")}
    config |= {"sslmode": "disable", "schema": "public"}
    return {"slug": "target", "kind": "postgres", "config": config, "credentials": {"password": url.password}}


def set_up(stack: Stack, source: RunningSandbox, batch_size: int = BATCH_SIZE, **columns: Any) -> None:
    """Make the connectors and the type `things`; `columns` are further fields of the type."""
    stream = {"source": "things", "target": "things", "key": ["code"], "mode": "upsert", "extent": "full"}
    job_type = {
        "slug": "things",
        "name": "Things",
        "controller": "stream_sync",
        "source_connector": "source",
        "target_connector": "target",
        "retry_delay": 0,
        "config": {"streams": [stream | {"batch_size": batch_size}]},
    } | columns
    import_shapes(stack, [source_shape(source), target_shape(stack)], [job_type])


def import_shapes(stack: Stack, connectors: list[dict[str, Any]], types: list[dict[str, Any]]) -> None:
    shapes = json.dumps({"connectors": connectors, "types": types})
    stack.python(SET_UP.format(shapes=shapes))


def ask_for(stack: Stack, times: int = 1, slug: str = "things", **options: Any) -> list[int]:
    """Ask for jobs as the API would; their ids."""
    ids: list[int] = stack.python(RUN.format(slug=slug, times=times, options=options))
    return ids


def audit(stack: Stack, job_id: int) -> dict[str, Any]:
    """What the books and the target say."""
    found: dict[str, Any] = stack.python(AUDIT.format(job_id=job_id))
    return found


def assert_all_arrived_once(
    stack: Stack,
    job: dict[str, Any],
    number: int = THINGS,
    batch_size: int = BATCH_SIZE,
    things: Sequence[dict[str, object]] = (),
) -> dict[str, Any]:
    """I1 to I6 of FAULTS §2 for a first load; `things` are the source's records where they were changed."""
    books = audit(stack, job["id"])
    assert [tuple(row) for row in books["rows"]] == sorted(
        (str(one["code"]), str(one["name"]), str(one["size"])) for one in things or map(thing, range(number))
    )
    counts = job["counts"]
    assert (counts["read"], counts["inserted"], counts["unchanged"]) == (number, number, 0), counts
    assert books["changes"] == 0, "a first load keeps none"
    assert books["open_batches"] == 0
    assert books["committed_batches"] == -(-number // batch_size)
    assert books["lease_owner"] == ""
    return books
