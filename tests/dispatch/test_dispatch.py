"""The dispatcher with a real broker, and without one."""

from __future__ import annotations

import ast
import datetime as dt
import json
import threading
import time
import uuid
from collections.abc import Callable
from itertools import chain
from typing import TypeVar

import pytest
import redis
from django.db import connections
from django.utils import timezone

from syncjobs.dispatch import BROKER_DOWN, Dispatcher, tick
from syncjobs.models import SyncJob
from tests.conftest import Broker
from tests.lifecycle.factories import JobFactory, see_worker
from tests.own_database import keeping_rows_on
from tests.postgres_server import PostgresServer

T = TypeVar("T")

pytestmark = pytest.mark.django_db(transaction=True)


def ask_broker(broker: Broker, ask: Callable[[redis.Redis], T]) -> T:
    client = redis.Redis(unix_socket_path=broker.url.removeprefix("redis+socket://"))
    try:
        return ask(client)
    finally:
        client.close()


def messages(broker: Broker) -> list[str]:
    """The arguments of every task message that waits in the broker."""
    queues = ("short", "default", "long")
    texts = ask_broker(broker, lambda client: [text for queue in queues for text in client.lrange(queue, 0, -1)])
    found = []
    for text in texts:
        envelope = json.loads(text)
        assert envelope["content-type"] == "application/json"
        found.append(envelope["headers"]["argsrepr"])
    return found


def named(broker: Broker) -> list[tuple[int, str]]:
    """Every job that a waiting message names, with its turn."""
    found = []
    for text in messages(broker):
        first, dispatch_id, *others = ast.literal_eval(text)
        found += [(job_id, dispatch_id) for job_id in (first, *chain.from_iterable(others))]
    return found


def test_tick_sends_an_admitted_job_once_and_its_message_holds_ids_only(broker: Broker) -> None:
    see_worker()
    job = JobFactory.create(title="S3cr3t-CANARY")
    assert tick(timezone.now()) == 1
    assert tick(timezone.now()) == 0
    job.refresh_from_db()
    assert job.sent_at is not None
    assert messages(broker) == [f"[{job.pk}, '{job.dispatch_id}']"]


def test_broker_that_is_away_costs_a_bounded_wait_and_no_job(broker: Broker) -> None:
    see_worker(slots=9)
    broker.stop()
    jobs = [JobFactory.create() for _ in range(5)]
    started = time.monotonic()
    assert tick(timezone.now()) == 0
    assert time.monotonic() - started < 5
    assert {SyncJob.objects.get(pk=job.pk).wait_reason for job in jobs} == {BROKER_DOWN}
    broker.start()
    assert tick(timezone.now()) == 5
    assert len(messages(broker)) == 5
    assert not SyncJob.objects.exclude(wait_reason="").exists()


def test_message_that_nobody_claimed_within_a_minute_is_sent_again(broker: Broker) -> None:
    now = timezone.now()
    job = JobFactory.create(dispatch_id=uuid.uuid4(), sent_at=now - dt.timedelta(seconds=59))
    assert tick(now) == 0
    assert tick(now + dt.timedelta(seconds=2)) == 1
    assert messages(broker) == [f"[{job.pk}, '{job.dispatch_id}']"]


def test_messages_that_the_broker_lost_are_sent_again_a_minute_later_each_once(broker: Broker) -> None:
    see_worker(slots=50)
    jobs = JobFactory.create_batch(50)
    now = timezone.now()
    assert tick(now) == 50
    ask_broker(broker, lambda client: client.flushall())
    assert tick(now + dt.timedelta(seconds=59)) == 0
    assert tick(now + dt.timedelta(seconds=61)) == 50
    assert tick(now + dt.timedelta(seconds=62)) == 0
    assert sorted(messages(broker)) == sorted(f"[{job.pk}, '{turn(job)}']" for job in jobs)


def test_round_of_hundreds_marks_every_job_as_sent(broker: Broker) -> None:
    see_worker(slots=130)
    JobFactory.create_batch(130)
    assert tick(timezone.now()) == len(messages(broker)) == 130
    assert not SyncJob.objects.filter(sent_at__isnull=True).exists()


def test_jobs_that_are_quickly_done_share_messages_and_each_slot_gets_some(broker: Broker) -> None:
    see_worker(slots=2)
    JobFactory.create_batch(500)
    dispatcher, now = Dispatcher(), timezone.now()
    sent = 0
    while sent < 100:  # of a queue that has no pace yet
        sent = dispatcher.tick(now)
        SyncJob.objects.filter(sent_at__isnull=False).update(status="finished")
        now += dt.timedelta(seconds=0.1)
    ask_broker(broker, lambda client: client.flushall())
    dispatcher.tick(now)
    jobs = SyncJob.objects.filter(status="queued", sent_at__isnull=False)
    assert sorted(named(broker)) == sorted((job.pk, str(job.dispatch_id)) for job in jobs)
    assert 2 <= len(messages(broker)) <= len(jobs) / 3


def test_job_that_another_dispatcher_left_unsent_is_sent_two_seconds_later(broker: Broker) -> None:
    dispatcher, now = Dispatcher(), timezone.now()
    assert dispatcher.tick(now) == 0
    JobFactory.create(dispatch_id=uuid.uuid4())
    assert dispatcher.tick(now + dt.timedelta(seconds=1)) == 0
    assert dispatcher.tick(now + dt.timedelta(seconds=2)) == 0
    assert dispatcher.tick(now + dt.timedelta(seconds=3)) == 1


def test_new_dispatcher_sends_at_once_what_a_killed_one_left(broker: Broker) -> None:
    JobFactory.create(dispatch_id=uuid.uuid4())
    assert Dispatcher().tick(timezone.now()) == 1


def test_two_dispatchers_at_once_send_each_job_once(broker: Broker, postgres_server: PostgresServer) -> None:
    with keeping_rows_on(postgres_server):
        see_worker(slots=9)
        dispatchers = [Dispatcher(), Dispatcher()]
        for dispatcher in dispatchers:
            dispatcher.tick(timezone.now())
        jobs = JobFactory.create_batch(120)
        threads = [threading.Thread(target=send_all, args=(dispatcher,)) for dispatcher in dispatchers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert sorted(named(broker)) == sorted((job.pk, str(turn(job))) for job in jobs)


def send_all(dispatcher: Dispatcher) -> None:
    """Round after round, as if workers took every job at once; together with whoever else does the same."""
    try:
        while SyncJob.objects.filter(status="queued").exists():
            dispatcher.tick(timezone.now())
            SyncJob.objects.filter(status="queued", sent_at__isnull=False).update(status="finished")
    finally:
        connections.close_all()


def turn(job: SyncJob) -> uuid.UUID | None:
    return SyncJob.objects.get(pk=job.pk).dispatch_id


def test_due_retry_is_queued_and_sent_in_one_tick(broker: Broker) -> None:
    see_worker()
    job = JobFactory.create(status="failed", retry_after=timezone.now() - dt.timedelta(seconds=1), retry_count=1)
    assert tick(timezone.now()) == 1
    job.refresh_from_db()
    assert (job.status, job.retry_after) == ("queued", None)
