"""syncjobs.testing itself: what it runs, notes, fails on purpose and refuses."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import TestCase

from connectors.errors import RateLimitedError
from syncjobs import watcher
from syncjobs.controllers import registry
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations import enqueue_sync_job
from syncjobs.operations.job_types import save_job_type
from syncjobs.testing import finish_sync_job, run_sync_job
from tests.acme.models import Customer, SAPCustomer
from tests.controllers.made_controllers import TARGET, fill_in, insert, module_of

CONTEXT = {"number": "C-1", "name": "Ada"}


def ordinary() -> Any:
    return module_of(get_target_document=insert, update_target_doc=fill_in)


@pytest.mark.django_db
@pytest.mark.parametrize("fail_at", ["before_commit", "get_target_document", "update_target_doc"])
def test_attempt_fails_on_purpose_and_the_next_one_follows_at_once(fail_at: str) -> None:
    run = run_sync_job(
        controller=ordinary(), target_document_type=TARGET, context=CONTEXT, fail_attempt=1, fail_at=fail_at
    )
    assert (run.job.status, run.job.attempt, run.job.retry_count) == ("finished", 2, 1)
    assert [attempt.outcome for attempt in run.job.attempts.order_by("number")] == ["failed", "finished"]
    assert len(run.changes) == SAPCustomer.objects.count() == 1
    assert any("failed on purpose" in line.message for line in run.logs)


@pytest.mark.django_db
def test_second_attempt_may_be_the_one_to_fail() -> None:
    asked: dict[str, Any] = {"target_document_type": TARGET, "context": CONTEXT, "max_retries": 1}
    run = run_sync_job(
        controller=module_of(get_target_document=insert, update_target_doc=failing_once()), fail_attempt=2, **asked
    )
    assert (run.job.status, run.job.attempt) == ("failed", 2)
    assert not SAPCustomer.objects.exists()


def failing_once() -> Any:
    def fill(job: JobHandle, source_doc: Any, target_doc: Any) -> None:
        if job.job.attempt == 1:
            raise RateLimitedError("busy", "come back in an hour", retry_after=3600)
        fill_in(job, source_doc, target_doc)

    return fill


@pytest.mark.django_db
def test_retry_that_is_due_in_an_hour_follows_at_once() -> None:
    controller = module_of(get_target_document=insert, update_target_doc=failing_once())
    run = run_sync_job(controller=controller, target_document_type=TARGET, context=CONTEXT)
    assert (run.job.status, run.job.attempt) == ("finished", 2)


@pytest.mark.django_db
def test_failure_that_never_happened_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="no attempt 1 came to before_sync"):
        run_sync_job(
            controller=module_of(get_target_document=insert, update_target_doc=fill_in, before_sync=lambda *_: None),
            target_document_type=TARGET,
            context=CONTEXT,
            dry_run=True,
            fail_attempt=1,
            fail_at="before_sync",
        )


@pytest.mark.django_db
def test_place_to_fail_at_must_exist() -> None:
    with pytest.raises(ValueError, match="fail_at must be before_commit or a hook"):
        run_sync_job(controller=ordinary(), fail_attempt=1, fail_at="befor_sync")


@pytest.mark.django_db
def test_either_a_type_or_a_controller_is_given() -> None:
    with pytest.raises(TypeError, match="give either sync_job_type or controller"):
        run_sync_job()


@pytest.mark.django_db
def test_controller_that_is_wrong_is_told_by_the_type() -> None:
    with pytest.raises(ValidationError, match="It needs execute, or update_target_doc"):
        run_sync_job(controller=module_of(after_start=lambda *_: None))


@pytest.mark.django_db
def test_real_controller_is_back_afterwards() -> None:
    before = registry.get_controller("sap_customer_sync")
    run_sync_job(Customer.objects.create(number="C-1"), controller="sap_customer_sync", target_document_type=TARGET)
    assert registry.get_controller("sap_customer_sync") is before
    controller = ordinary()
    run_sync_job(controller=controller)
    assert controller.__name__ not in registry.controller_names()


@pytest.mark.django_db
def test_job_that_would_have_to_wait_says_why_instead_of_hanging() -> None:
    customer = Customer.objects.create(number="C-1", name="Ada", credit_limit=100)
    SAPCustomer.objects.create(number="C-1", name="Ada")
    values: dict[str, Any] = {"controller": "sap_account_sync", "config": {"free_limit": 50}}
    job_type = save_job_type(SyncJobType(slug="accounts", target_document_type=TARGET, **values), actor="test")
    asked: dict[str, Any] = {"sync_job_type": job_type, "source_document_type": "acme.Customer"}
    held = run_sync_job(source_document_name=str(customer.pk), **asked)
    with pytest.raises(RuntimeError, match=f"cannot run now: waits for job #{held.job.pk}"):
        run_sync_job(source_document_name=str(customer.pk), **asked)


@pytest.mark.django_db
def test_job_of_the_author_s_own_code_is_finished() -> None:
    values: dict[str, Any] = {"slug": "customers", "controller": "sap_customer_sync", "target_document_type": TARGET}
    save_job_type(SyncJobType(source_document_type="acme.Customer", **values), actor="test")
    customer = Customer.objects.create(number="C-1", name="Ada")
    for place, queue_on_insert in enumerate((True, False), start=1):
        Customer.objects.update(name=f"Ada {place}")
        job = enqueue_sync_job(sync_job_type="customers", source_doc=customer, queue_on_insert=queue_on_insert)
        assert finish_sync_job(job, fail_attempt=1).job.status == "finished"
    assert SAPCustomer.objects.get().name == "Ada 2"


def slow(seconds: float) -> Any:
    def execute(_job: JobHandle, _source: Any) -> Outcome:
        time.sleep(seconds)
        return Outcome()

    return module_of(execute=execute)


@pytest.fixture
def impatient_watcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "TICK_SECONDS", 0.05)


@pytest.mark.django_db
def test_job_in_an_open_transaction_is_not_taken_for_lost(impatient_watcher: None) -> None:
    assert run_sync_job(controller=slow(0.5)).job.status == "finished"


@pytest.mark.django_db
def test_timeout_counts_in_an_open_transaction_too(impatient_watcher: None) -> None:
    def execute(job: JobHandle, _source: Any) -> Outcome:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            job.raise_if_stopped()
            time.sleep(0.02)
        return Outcome()

    run = run_sync_job(controller=module_of(execute=execute), timeout=1, max_retries=0)
    assert run.job.failure is not None
    assert (run.job.status, run.job.failure["code"]) == ("failed", "timeout")


@pytest.mark.django_db(transaction=True)
def test_the_same_runs_without_a_transaction_round_it(impatient_watcher: None) -> None:
    assert run_sync_job(controller=slow(0.5)).job.status == "finished"
    run = run_sync_job(controller=ordinary(), target_document_type=TARGET, context=CONTEXT, fail_attempt=1)
    assert (run.job.status, SAPCustomer.objects.count()) == ("finished", 1)


def test_the_same_runs_on_postgresql_inside_a_transaction_and_without(rows_on_postgresql: None) -> None:
    asked: dict[str, Any] = {"controller": ordinary(), "target_document_type": TARGET, "fail_attempt": 1}
    assert run_sync_job(context=CONTEXT, **asked).job.status == "finished"
    with transaction.atomic():
        run = run_sync_job(context={"number": "C-2", "name": "Grace"}, **asked)
        refused = run_sync_job(context=CONTEXT, **asked | {"fail_attempt": None})
    assert (run.job.status, refused.job.status) == ("finished", "error")
    assert SyncJob.objects.get(pk=refused.job.pk).status == "error"


class UnittestCase(TestCase):
    """The same in the style of unittest."""

    def test_controller_runs(self) -> None:
        run = run_sync_job(controller=ordinary(), target_document_type=TARGET, context=CONTEXT, fail_attempt=1)
        self.assertEqual((run.job.status, SAPCustomer.objects.count()), ("finished", 1))  # noqa: PT009
