"""Idempotency keys: one effect and one answer, also when two hundred ask at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.utils import timezone

from syncjobs.models import IdempotencyKey, SyncJob, SyncJobType
from tests.api.conftest import Api, error_of, make_connectors, make_job_type, secret_of

RUN = "job-types/airports/run/"


def run(api: Api, key: str, **body: object) -> tuple[int, int, str | None]:
    """(status, the job's number, whether it was replayed)."""
    response = api.post(RUN, body, **{"Idempotency-Key": key})
    return response.status_code, response.json().get("id", 0), response.headers.get("Idempotent-Replayed")


def test_same_request_again_gets_the_same_answer_and_starts_nothing(api: Api, job_type: SyncJobType) -> None:
    first = api.post_raw(RUN, b'{"priority": 3, "dry_run": true}', **{"Idempotency-Key": "k"})
    SyncJob.objects.update(status="finished")
    again = api.post_raw(RUN, b'{ "dry_run":true,"priority":3 }', **{"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert SyncJob.objects.count() == 1


def test_other_request_with_the_key_is_422(api: Api, job_type: SyncJobType) -> None:
    api.post(RUN, {}, **{"Idempotency-Key": "k"})
    for path, body in ((RUN, {"priority": 1}), ("job-types/airports/start/", {}), ("jobs/", {"job_type": "airports"})):
        response = api.post(path, body, **{"Idempotency-Key": "k"})
        assert (response.status_code, error_of(response)["code"]) == (422, "idempotency_mismatch")
    assert SyncJob.objects.count() == 1


@pytest.mark.parametrize("key", ["", "   ", "x" * 256, "a\tb"])
def test_wrong_key_is_refused(key: str, api: Api, job_type: SyncJobType) -> None:
    response = api.post(RUN, {}, **{"Idempotency-Key": key})
    assert (response.status_code, list(error_of(response)["fields"])) == (400, ["Idempotency-Key"])
    assert not SyncJob.objects.exists()
    assert run(api, "x" * 255)[0] == 202


def test_keys_are_each_persons_own(api: Api, job_type: SyncJobType) -> None:
    other = Api(secret_of(User.objects.create_superuser("bert")))
    assert run(api, "k")[1] != run(other, "k")[1]


def test_refused_request_leaves_its_key_free(api: Api, queued: SyncJob) -> None:
    one = f"jobs/{queued.pk}"
    key = {"Idempotency-Key": "k"}
    assert api.post(f"{one}/resume/", {}, **key).status_code == 409
    SyncJob.objects.update(status="paused")
    assert api.post(f"{one}/resume/", {}, **key).status_code == 202
    assert api.post(f"{one}/resume/", {}, **key)["Idempotent-Replayed"] == "true"


def test_key_counts_for_a_day_and_then_goes(api: Api, job_type: SyncJobType) -> None:
    first = run(api, "k")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert run(api, "other")[2] is None
    assert not IdempotencyKey.objects.filter(key="k").exists()
    assert run(api, "k")[1] > first[1]


@pytest.fixture
def program(rows_on_postgresql: None) -> str:
    """A token, on PostgreSQL."""
    make_connectors()
    make_job_type()
    return secret_of(User.objects.create_superuser("anna"))


def test_two_hundred_at_once_start_one_job(program: str) -> None:
    def ask(_: int) -> tuple[int, int, str | None]:
        try:
            return run(Api(program), "storm")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=16) as threads:
        answers = list(threads.map(ask, range(200)))
    (job,) = SyncJob.objects.values_list("pk", flat=True)
    done = [answer for answer in answers if answer[0] == 202]
    assert {number for _, number, _ in done} == {job}
    assert [answer for answer in done if answer[2] is None] == [(202, job, None)]
    assert {status for status, *_ in answers} <= {202, 409}


def test_request_in_flight_is_a_409_that_says_when_to_ask_again(program: str) -> None:
    api = Api(program)
    assert run(api, "k")[0] == 202
    with connection.cursor() as cursor:
        cursor.execute("SELECT objid, classid FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchall() == []

    def ask() -> tuple[int, str, str]:
        try:
            response = Api(program).post(RUN, {}, **{"Idempotency-Key": "slow"})
            return response.status_code, error_of(response)["code"], response["Retry-After"]
        finally:
            connections.close_all()

    with transaction.atomic(), ThreadPoolExecutor(max_workers=1) as threads:
        assert run(api, "slow")[0] == 202  # is not committed yet
        assert threads.submit(ask).result() == (409, "in_flight", "1")
    assert run(api, "slow")[2] == "true"
