"""How a job ends, whatever its controller does: told, kept, and without a secret."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.errors import ConfigError, DataError, RateLimitedError, TransientError
from connectors.redaction import remember_secret
from syncjobs.controllers import registry
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.models import Attempt, JobEvent, JobLog, SyncJob, SyncJobType
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.jobs import cancel_job, run_queued_job_here
from syncjobs.statuses import Status, Trigger
from tests.lifecycle.factories import JobTypeFactory

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "S3cr3t-CANARY-4711"
Body = Callable[[JobHandle], Any]


class Scripted:
    """A bypass-mode controller that does what the test says."""

    name = "scripted"
    body: Body = staticmethod(lambda _job: Outcome())

    def type_problems(self, job_type: SyncJobType) -> dict[str, list[str]]:
        return {}

    def execute(self, sync_job: JobHandle, source_doc: Any) -> Any:
        return self.body(sync_job)


@pytest.fixture
def run_body() -> Iterator[Callable[..., SyncJob]]:
    """Runs a job whose controller does `body`."""
    controller = Scripted()
    registry.register_controller(controller)

    def run(body: Body, **columns: Any) -> SyncJob:
        controller.body = body
        job_type = JobTypeFactory.create(controller="scripted", **columns)
        job = run_job_type(job_type, trigger=Trigger.CLI, actor="test")
        return run_queued_job_here(job, on_wait=pytest.fail)

    yield run
    del registry._controllers["scripted"]


def fail_with(error: BaseException) -> Body:
    def body(_job: JobHandle) -> None:
        raise error

    return body


def test_outcome_of_the_controller_is_the_end_of_the_job(run_body: Callable[..., SyncJob]) -> None:
    job = run_body(lambda _job: Outcome(Status.SKIPPED, "nothing differed", updates={"diff_summary": {"updated": 3}}))
    assert (job.status, job.diff_summary, job.lease_owner) == ("skipped", {"updated": 3}, "")
    assert job.ended_at is not None
    moves = [(event.old, event.new) for event in JobEvent.objects.filter(job=job)]
    assert moves == [("", "queued"), ("queued", "started"), ("started", "skipped")]
    assert Attempt.objects.get(job=job).outcome == "skipped"


@pytest.mark.parametrize(
    ("error", "status", "failure_class", "code", "retries"),
    [
        (TransientError("connect_timeout", "no answer from db"), "failed", "transient", "connect_timeout", True),
        (
            RateLimitedError("rate_limited", "slow down", retry_after=120),
            "failed",
            "rate_limited",
            "rate_limited",
            True,
        ),
        (ConfigError("credentials_refused", "refused"), "failed", "config", "credentials_refused", False),
        (DataError("not_null", "no name"), "error", "data", "not_null", False),
        (ZeroDivisionError("division"), "failed", "internal", "controller_bug", True),
        (SystemExit(3), "failed", "internal", "controller_bug", False),
        (KeyboardInterrupt(), "failed", "internal", "controller_bug", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_failure_says_class_and_code_and_retries_only_where_that_helps(
    run_body: Callable[..., SyncJob], error: BaseException, status: str, failure_class: str, code: str, retries: bool
) -> None:
    job = run_body(fail_with(error), retry_delay=30)
    assert job.failure is not None
    assert (job.status, job.failure["class"], job.failure["code"]) == (status, failure_class, code)
    assert (job.retry_after is not None) is retries
    assert type(error).__name__ in job.error_message


def test_retry_waits_as_long_as_the_other_side_asked(run_body: Callable[..., SyncJob]) -> None:
    job = run_body(fail_with(RateLimitedError("rate_limited", "slow down", retry_after=120)))
    assert job.retry_after is not None
    assert job.ended_at is not None
    assert 119 <= (job.retry_after - job.ended_at).total_seconds() <= 121


def test_text_that_no_database_takes_does_not_hide_the_failure(run_body: Callable[..., SyncJob]) -> None:
    def body(job: JobHandle) -> None:
        job.log("INFO", "nul \x00 and \ud83d alone", name="clashes with logging", value=float("nan"), inner="\x00")
        raise DataError("bad", "value 'a\x00b\ud83d' does not fit", hint="mend \x00 it")

    job = run_body(body)
    assert job.failure is not None
    assert job.failure["message"] == "value 'a\ufffdb?' does not fit"
    line = JobLog.objects.get(job=job, message__startswith="nul")
    assert line.fields["name"] == "clashes with logging"


def test_no_secret_reaches_a_row(run_body: Callable[..., SyncJob]) -> None:
    remember_secret(CANARY)

    def body(job: JobHandle) -> None:
        job.log("INFO", f"password {CANARY}", url=f"postgresql://ann:{CANARY}@db/x")
        raise TransientError("refused", f"cannot log in with {CANARY}", hint=f"not {CANARY}")

    job = run_body(body)
    rows = [job, *JobLog.objects.filter(job=job), *JobEvent.objects.filter(job=job), *Attempt.objects.filter(job=job)]
    texts = [str(vars(row)) for row in rows]
    assert not [text for text in texts if CANARY in text]
    assert any("cannot log in with ***" in text for text in texts)


def test_controller_that_returns_nothing_is_told_what_to_return(run_body: Callable[..., SyncJob]) -> None:
    job = run_body(lambda _job: None)
    assert job.failure is not None
    assert "must return an Outcome, got NoneType" in job.failure["message"]


def test_cancel_that_comes_while_it_runs_ends_it_at_its_next_safe_place(run_body: Callable[..., SyncJob]) -> None:
    def body(job: JobHandle) -> None:
        cancel_job(job.job.pk, actor="ann", reason="wrong day")
        while not job.should_stop():
            job.surroundings.interruption.sleep(0.05)
        job.raise_if_stopped()

    job = run_body(body)
    assert (job.status, job.cancel_reason) == ("canceled", "wrong day")


def test_job_that_was_ended_by_others_is_left_as_it_is(run_body: Callable[..., SyncJob]) -> None:
    def body(job: JobHandle) -> Outcome:
        SyncJob.objects.filter(pk=job.job.pk).update(status="queued", fence=99)
        return Outcome()

    assert run_body(body).status == "queued"


def test_flood_of_lines_is_capped_and_says_so(run_body: Callable[..., SyncJob]) -> None:
    def body(job: JobHandle) -> Outcome:
        for number in range(4_000):
            job.log("DEBUG", f"line {number}")
        job.log("WARNING", "the one that matters")
        return Outcome()

    job = run_body(body)
    messages = list(JobLog.objects.filter(job=job).values_list("message", flat=True))
    assert len(messages) <= 2_010
    assert "the one that matters" in messages
    assert "line 3999" in messages
    assert any("more lines suppressed" in message for message in messages)


def test_unregistered_controller_fails_as_config_and_imports_nothing() -> None:
    job_type = JobTypeFactory.create(controller="this")
    assert "this" not in sys.modules
    with pytest.raises(ConfigError, match="not a registered controller"):
        run_job_type(job_type, trigger=Trigger.CLI, actor="test")
    assert "this" not in sys.modules
