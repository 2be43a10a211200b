"""Jobs of the made-up company that really ran: one to revert, plans to approve and to apply, one that met conflicts."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings

from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.inline_runs import run_to_the_end
from syncjobs.operations.job_types import job_type_from_shape, run_job_type, save_job_type
from syncjobs.operations.plans import apply_plan, approve_plan
from syncjobs.statuses import ACTIVE, Status, Trigger

ACTOR = "anna"
LIMIT_SECONDS = 30.0
STREAM: dict[str, Any] = {"source": "stock", "target": "stock", "key": ["sku"], "mode": "mirror", "extent": "full"}
STREAM |= {"window": {"field": "counted_on", "days": 30}}
COLUMNS = "sku TEXT PRIMARY KEY, warehouse TEXT, pieces INTEGER, counted_on DATE"


def run_really() -> dict[str, SyncJob]:
    """Run the sync of stock levels a few times; returns its jobs by what is to be seen there."""
    stock = _make_stock_type()
    _fill("reports.sqlite3", range(3, 61), lambda number: number * 3)
    _fill("shop.sqlite3", range(1, 58), lambda number: number * 3 + (number % 5 == 0))
    jobs = {"revertible": _run(stock)}
    _count_anew(7)
    applied = _plan(stock, is_approved=True)
    _execute("reports.sqlite3", "UPDATE stock SET pieces = 0 WHERE sku IN ('SKU-0007', 'SKU-0014')")
    jobs["conflicting"] = _to_the_end(apply_plan(applied.pk, trigger=Trigger.MANUAL, actor=ACTOR))
    _count_anew(9)
    return jobs | {"approved": _plan(stock, is_approved=True), "planned": _plan(stock, is_approved=False)}


def _make_stock_type() -> SyncJobType:
    shape: dict[str, Any] = {
        "slug": "stock",
        "name": "Stock levels",
        "description": "What lies where, as the shop counted it.",
    }
    shape |= {"source_connector": "shop", "target_connector": "reports", "guards": {"max_delete_share": 0.2}}
    return save_job_type(job_type_from_shape(shape | {"config": {"streams": [STREAM]}}), actor=ACTOR)


def _fill(file: str, numbers: range, pieces_of: Callable[[int], int]) -> None:
    _execute(file, "DROP TABLE IF EXISTS stock")
    _execute(file, f"CREATE TABLE stock ({COLUMNS})")
    for number in numbers:
        row = (f"SKU-{number:04}", f"Hall {number % 4 + 1}", pieces_of(number), "2026-11-20")
        _execute(file, "INSERT INTO stock VALUES (?, ?, ?, ?)", row)


def _count_anew(every: int) -> None:
    """The shop counts some of its stock, and finds less."""
    _execute("shop.sqlite3", "UPDATE stock SET pieces = pieces - 1 WHERE substr(sku, 5) % ? = 0", (every,))


def _execute(file: str, statement: str, values: tuple[object, ...] = ()) -> None:
    with closing(sqlite3.connect(Path(settings.SYNCDECK_DATA_DIR) / file, timeout=30)) as session, session:
        session.execute(statement, values)


def _plan(stock: SyncJobType, *, is_approved: bool) -> SyncJob:
    job = _run(stock, dry_run=True)
    return approve_plan(job.pk, actor="ben") if is_approved else job


def _run(stock: SyncJobType, *, dry_run: bool = False) -> SyncJob:
    return _to_the_end(run_job_type(stock, trigger=Trigger.MANUAL, actor=ACTOR, dry_run=dry_run))


def _to_the_end(job: SyncJob) -> SyncJob:
    """Run it here, or wait for the worker that was quicker; raises RuntimeError if it does not end well."""
    run_to_the_end(job, on_wait=_refuse_to_wait)
    give_up = time.monotonic() + LIMIT_SECONDS
    while job.status in ACTIVE and time.monotonic() < give_up:
        time.sleep(0.1)
        job.refresh_from_db()
    if job.status != Status.FINISHED:
        raise RuntimeError(f"Job #{job.pk} is {job.status}: {job.failure}.")
    return job


def _refuse_to_wait(reason: str) -> None:
    raise RuntimeError(f"A job of the made-up company waits: {reason}.")
