"""Limits of requests: counted atomically in Redis, or in the database where Redis is not there or does not answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connections

from syncjobs.models import RequestCount, SyncJob, SyncJobType
from syncjobs.operations import request_counts as counters
from syncjobs.operations.request_counts import count_request, redis_client
from tests.api.conftest import Api, error_of, secret_of
from tests.conftest import Broker


@pytest.fixture(autouse=True)
def fresh_clients() -> Iterator[None]:
    """No client and no sulking of another test."""
    redis_client.cache_clear()
    counters._away_until = 0.0
    yield
    redis_client.cache_clear()
    counters._away_until = 0.0


def limit(settings: LazySettings, **limits: int) -> None:
    settings.API_REQUESTS_PER_MINUTE = {"read": None, "write": None} | limits


def test_one_request_too_many_is_429_and_says_when_to_come_back(
    api: Api, job_type: SyncJobType, settings: LazySettings
) -> None:
    limit(settings, write=2)
    answers = [api.post("job-types/airports/run/") for _ in range(5)]
    counted = [answer.status_code for answer in answers]
    assert counted in ([202, 202, 429, 429, 429], [202, 202, 202, 202, 429], [202, 202, 202, 429, 429])  # a new minute
    refused = answers[-1]
    assert error_of(refused)["code"] == "throttled"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert api.get("jobs/").status_code == 200
    assert SyncJob.objects.count() == counted.count(202)


def test_tokens_are_counted_apart(api: Api, settings: LazySettings) -> None:
    limit(settings, read=1)
    other = Api(secret_of(User.objects.create_superuser("bert")))
    spent = [api.get("jobs/").status_code for _ in range(3)]
    assert 429 in spent
    assert other.get("jobs/").status_code == 200


def test_forged_address_gains_nothing(api: Api, settings: LazySettings) -> None:
    limit(settings, read=1)
    forged = [api.client.get("/api/v1/jobs/", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(4)]
    assert 429 in forged


def test_redis_counts_where_it_is_the_broker(broker: Broker, db: None) -> None:
    assert [count_request("read:token:7", 60, 600.0) for _ in range(3)] == [1, 2, 3]
    assert count_request("read:token:7", 60, 660.0) == 1
    assert count_request("read:token:8", 60, 600.0) == 1
    assert not RequestCount.objects.exists()


def test_database_counts_while_redis_is_away(db: None) -> None:
    assert [count_request("read:token:7", 60, 600.0) for _ in range(3)] == [1, 2, 3]
    assert count_request("read:token:7", 60, 660.0) == 1
    assert RequestCount.objects.count() == 1


def test_redis_that_never_answers_costs_a_moment_once(settings: LazySettings, tmp_path: Path, db: None) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen(8)
        settings.CELERY_BROKER_URL = f"redis+socket://{tmp_path / 's'}"
        began = time.monotonic()
        assert [count_request("read:token:7", 60, 600.0) for _ in range(5)] == [1, 2, 3, 4, 5]
        assert (
            time.monotonic() - began < 10 * counters.PATIENCE_SECONDS
        )  # one waits that long, not five, nor for seconds


def test_fifty_at_once_are_counted_exactly_in_either(broker: Broker, rows_on_postgresql: None) -> None:
    def count(who: str) -> int:
        try:
            return count_request(who, 60, 600.0)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=10) as threads:
        in_redis = sorted(threads.map(count, ["write:token:1"] * 50))
        broker.stop()
        in_database = sorted(threads.map(count, ["write:token:1"] * 50))
        broker.start()
    assert in_redis == in_database == list(range(1, 51))
