"""The dispatcher with a real broker, and without one."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid

import pytest
import redis
from django.utils import timezone

from syncjobs.dispatch import BROKER_DOWN, tick
from syncjobs.models import SyncJob
from tests.conftest import Broker
from tests.lifecycle.factories import JobFactory, see_worker

pytestmark = pytest.mark.django_db(transaction=True)


def messages(broker: Broker) -> list[str]:
    """The arguments of every task message that waits in the broker."""
    client = redis.Redis(unix_socket_path=broker.url.removeprefix("redis+socket://"))
    try:
        texts = [text for queue in ("short", "default", "long") for text in client.lrange(queue, 0, -1)]
    finally:
        client.close()
    found = []
    for text in texts:
        envelope = json.loads(text)
        assert envelope["content-type"] == "application/json"
        found.append(envelope["headers"]["argsrepr"])
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


def test_due_retry_is_queued_and_sent_in_one_tick(broker: Broker) -> None:
    see_worker()
    job = JobFactory.create(status="failed", retry_after=timezone.now() - dt.timedelta(seconds=1), retry_count=1)
    assert tick(timezone.now()) == 1
    job.refresh_from_db()
    assert (job.status, job.retry_after) == ("queued", None)
