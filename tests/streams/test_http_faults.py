"""Whole jobs against a portal with troubles: what passes costs no retry of the job, and refusals fail it at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.models import Connector
from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from syncjobs.models import JobLog, SyncJobType
from tests.connectors.scripted_server import reply, scripted_server
from tests.streams.conftest import counts, run

Make = Callable[..., SyncJobType]
ON_ROWS: dict[str, Any] = {"on": "rows", "after": 2}

pytestmark = pytest.mark.parametrize("target", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("rate_limited", times=1, retry_after=1, **ON_ROWS), "asked to slow down (429); retry 1/8 in 1 s"),
        (Fault("rate_limited", times=1, retry_after=1, http_date=True, **ON_ROWS), "(429); retry 1/8 in "),
        (Fault("server_error", times=1, status=502, **ON_ROWS), "answered with an error (502); retry 1/8 in 1 s"),
        (Fault("truncated", times=1, **ON_ROWS), "retry 1/8 in 1 s"),
    ],
    ids=lambda value: f"{value.kind}{' date' * value.http_date}" if isinstance(value, Fault) else "",
)
def test_passing_fault_is_waited_out_within_the_attempt(
    items: Make, source: RunningSandbox, fault: Fault, told: str
) -> None:
    job_type = items(batch_size=10)
    source.set_faults(fault)
    job = run(job_type)
    assert (job.status, job.attempt, job.retry_count, counts(job)["inserted"]) == ("finished", 1, 0, 25)
    (line,) = JobLog.objects.filter(job=job, level="WARNING")
    assert told in line.message
    assert job.attempts.get().phase_seconds["waiting"] > 0.4


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_fail_the_job_without_a_retry_and_mark_the_connector(items: Make, status: int) -> None:
    job_type = items({"max_retries": 3})
    connector = Connector.objects.get(slug="source")
    with scripted_server(reply(status)) as server:
        Connector.objects.filter(slug="source").update(config=connector.config | {"base_url": server.url})
        job = run(job_type)
        assert len(server.requests) == 1
    assert job.failure is not None
    assert (job.status, job.attempt, job.retry_after) == ("failed", 1, None)
    assert (job.failure["class"], job.failure["code"]) == ("config", "credentials_refused")
    assert Connector.objects.get(slug="source").last_test_ok is False
    assert Connector.objects.get(slug="target").last_test_ok is None
