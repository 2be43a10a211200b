"""Many jobs moved at once: the legal ones, each with its event, and none that moved meanwhile."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from django.db import connections
from django.db.models import Q
from django.utils import timezone

from syncjobs.lifecycle import StatusConflict, move_job, move_jobs
from syncjobs.models import JobEvent, SyncJob
from syncjobs.statuses import Status, can_move
from tests.lifecycle.factories import JobFactory, JobTypeFactory

NOW = timezone.now()


@pytest.fixture(
    params=[pytest.param("sqlite", marks=pytest.mark.django_db(transaction=True)), "postgresql"], autouse=True
)
def own_database(request: pytest.FixtureRequest) -> None:
    if request.param == "postgresql":
        request.getfixturevalue("rows_on_postgresql")


def make_jobs(number: int, status: str = "queued") -> list[int]:
    job_type = JobTypeFactory.create()
    return [
        job.pk for job in SyncJob.objects.bulk_create(JobFactory.build_batch(number, job_type=job_type, status=status))
    ]


@pytest.mark.parametrize("new", list(Status))
def test_exactly_those_that_may_are_moved_as_one_alone_would_be(new: Status) -> None:
    alike = {status: make_jobs(2, status.value) for status in Status}
    moved = move_jobs(
        [999_999, *(pk for pair in alike.values() for pk in pair[:1])], new, reason="why", actor="who", now=NOW
    )
    assert moved == [pair[0] for status, pair in alike.items() if can_move(status, new)]
    events = JobEvent.objects.order_by("job_id").values_list("job_id", "old", "new", "reason", "actor")
    assert list(events) == [
        (pair[0], status.value, new.value, "why", "who") for status, pair in alike.items() if can_move(status, new)
    ]
    ignored = {"id", "token", "title", "created_at", "available_at"}
    for together, alone in (alike[status] for status in Status if can_move(status, new)):
        move_job(alone, new, reason="why", actor="who", now=NOW)
        rows = [SyncJob.objects.values().get(pk=pk) for pk in (together, alone)]
        assert {k: v for k, v in rows[0].items() if k not in ignored} == {
            k: v for k, v in rows[1].items() if k not in ignored
        }


def test_only_those_among_the_named_are_moved_however_many() -> None:
    ids = make_jobs(600)
    SyncJob.objects.filter(pk__in=ids[:50]).update(priority=1)
    moved = move_jobs(ids, Status.PAUSED, reason="", actor="", now=NOW, among=Q(priority=0), cancel_reason="x")
    assert moved == ids[50:]
    assert SyncJob.objects.filter(status="paused", cancel_reason="x").count() == 550
    assert JobEvent.objects.count() == 550


def test_of_many_who_move_the_same_jobs_one_moves_each() -> None:
    ids = make_jobs(300)
    moved: dict[str, list[int]] = {}
    ready = threading.Barrier(3)

    def move_all(name: str, new: Status, order: list[int]) -> None:
        try:
            ready.wait(timeout=20)
            moved[name] = move_jobs(order, new, reason="", actor=name, now=NOW)
        finally:
            connections.close_all()

    def move_one_by_one() -> None:
        moved["single"] = []
        try:
            ready.wait(timeout=20)
            for pk in ids[::-7]:
                try:
                    move_job(pk, Status.SKIPPED, reason="", actor="single", now=NOW)
                except StatusConflict:
                    continue
                moved["single"].append(pk)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=move_all, args=("cancel", Status.CANCELED, ids)),
        threading.Thread(target=move_all, args=("fail", Status.FAILED, ids[::-1])),
        threading.Thread(target=move_one_by_one),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A job that failed may be canceled afterwards, so each move is one event, and the last one is the status.
    events = list(JobEvent.objects.order_by("id").values_list("job_id", "actor", "old", "new"))
    assert sorted((name, pk) for name, pks in moved.items() for pk in pks) == sorted(
        (actor, pk) for pk, actor, _, _ in events
    )
    for pk, status in SyncJob.objects.values_list("pk", "status"):
        path = [(old, new) for job_id, _, old, new in events if job_id == pk]
        assert path[0][0] == "queued"
        assert path[-1][1] == status
        assert all(earlier[1] == later[0] for earlier, later in pairwise(path))
