"""What jobs of the made-up company left behind: log lines, changes, rejects, schemas, cursors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from syncjobs.fingerprints import key_hash
from syncjobs.models import Change, JobBatch, JobLog, Reject, SchemaSnapshot, StreamCursor, SyncJob

LINES = (
    ("INFO", "Attempt 1 began on worker one."),
    ("INFO", "Reading orders from the shop, 50,000 records a batch."),
    ("WARNING", "3 records have no customer and are left as they are."),
    ("DEBUG", "SELECT order_id, customer, total FROM orders WHERE changed_at > '2026-11-22 10:00:00'"),
    ("ERROR", "Batch 2 was refused: the target is locked. It is sent again."),
    ("INFO", "Batch 2 written: 12,951 updated, 524 inserted."),
)


def write_log(job: SyncJob) -> None:
    for number, (level, message) in enumerate(LINES):
        moment = job.created_at + timedelta(seconds=number)
        JobLog.objects.create(job=job, attempt=1, level=level, message=message, created_at=moment)


def _batch(job: SyncJob, stream: str) -> JobBatch:
    state = JobBatch.State.COMMITTED
    return JobBatch.objects.create(
        job=job, stream=stream, batch_no=1, state=state, counts={"read": 18_330}, created_at=job.created_at
    )


def keep_changes(job: SyncJob, number: int = 40) -> None:
    batch = _batch(job, "orders")
    for order, fields in itertools.islice(_edits(), number):
        key = {"order_id": order}
        operation = "insert" if all(old is None for old, _ in fields.values()) else "update"
        Change.objects.create(
            job=job,
            batch=batch,
            stream="orders",
            key=key,
            key_hash=key_hash(key),
            operation=operation,
            fields=fields,
        )


def keep_rejects(job: SyncJob) -> None:
    batch = _batch(job, "prices")
    for number in range(17):
        column, code = ("qty", "bad_value") if number % 3 else ("currency", "too_long")
        message = f"{column} is '12,{number}', which is no integer" if number % 3 else f"{column} is longer than 3"
        key = {"id": 7_300 + number}
        Reject.objects.create(
            job_type=job.job_type,
            job=job,
            batch=batch,
            stream="prices",
            key=key,
            key_hash=key_hash(key),
            record=f'{{"id": {7_300 + number}, "{column}": "12,{number}"}}',
            field=column,
            code=code,
            message=message,
            pattern=f"{column} …",
            fingerprint=f"made-up-{code}",
            created_at=job.created_at,
        )


def meet_drift(job: SyncJob, now: datetime) -> None:
    common: dict[str, Any] = {"job_type": job.job_type, "stream": "permits", "job": job}
    common |= {"first_seen_at": job.created_at, "seen_at": now}
    before = {"id": "integer", "address": "text", "fee": "decimal"}
    SchemaSnapshot.objects.create(**common, fields=before)
    differences = {"dropped": {"fee": "decimal"}, "added": {"fees": "json"}}
    after = {"id": "integer", "address": "text", "fees": "json"}
    SchemaSnapshot.objects.create(**common, fields=after, differences=differences, is_accepted=False)


def move_cursor(job: SyncJob, now: datetime) -> None:
    for hour in range(4):
        old, new = (f"2026-11-22T{10 + hour + step}:00:00Z" for step in (0, 1))
        values = {"field": "changed_at", "old": old, "new": new, "rows": 1_400 + hour, "created_at": now}
        StreamCursor.objects.create(job_type=job.job_type, stream="orders", job=job, **values)


def _edits() -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """Orders with what became of their fields."""
    for number in itertools.count(1_001):
        if number % 4:
            yield number, {"status": ["open", "shipped"], "total": [f"{number}.50", f"{number}.90"]}
        else:
            yield number, {"customer": [None, f"CUST-{number:05}"], "status": [None, "open"], "total": [None, "19.90"]}
