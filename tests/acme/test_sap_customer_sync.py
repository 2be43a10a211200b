"""Tests of the controllers, as an author writes them."""

from decimal import Decimal

import pytest

from syncjobs.models import SyncJobType
from syncjobs.operations.jobs import approve_job
from syncjobs.testing import finish_sync_job, run_sync_job
from tests.acme.models import Customer, SAPCustomer
from tests.acme.sync_job_types import make_sync_job_types

pytestmark = pytest.mark.django_db


@pytest.fixture
def types() -> list[SyncJobType]:
    return make_sync_job_types()


@pytest.fixture
def customer() -> Customer:
    return Customer.objects.create(number="C-7", name="Ada", credit_limit=Decimal("100.00"))


def test_customer_is_copied_to_sap(types: list[SyncJobType], customer: Customer) -> None:
    run = run_sync_job(customer, sync_job_type="sap-customer-sync")
    assert run.job.status == "finished"
    assert SAPCustomer.objects.get().credit_limit == Decimal("100.00")
    (change,) = run.changes
    assert change.operation == "insert"
    assert change.fields["name"] == [None, "Ada"]
    assert run.hooks == ["get_target_document", "update_target_doc"]


def test_only_what_differs_is_a_change(types: list[SyncJobType], customer: Customer) -> None:
    run_sync_job(customer, sync_job_type="sap-customer-sync")
    customer.name = "Ada L."
    customer.save()
    run = run_sync_job(customer, sync_job_type="sap-customer-sync")
    assert run.changes[0].fields == {"name": ["Ada", "Ada L."]}
    assert run_sync_job(customer, sync_job_type="sap-customer-sync").job.status == "skipped"


def test_dry_run_shows_the_change_and_writes_nothing(types: list[SyncJobType], customer: Customer) -> None:
    run = run_sync_job(customer, sync_job_type="sap-customer-sync", dry_run=True)
    assert run.changes[0].fields["number"] == [None, "C-7"]
    assert not SAPCustomer.objects.exists()


def test_failure_before_the_commit_leaves_nothing_twice(types: list[SyncJobType], customer: Customer) -> None:
    run = run_sync_job(customer, sync_job_type="sap-customer-sync", fail_attempt=1)
    assert (run.job.status, run.job.attempt) == ("finished", 2)
    assert SAPCustomer.objects.count() == 1


def test_deleted_customer_is_deleted_in_sap(types: list[SyncJobType], customer: Customer) -> None:
    run_sync_job(customer, sync_job_type="sap-customer-sync")
    name = str(customer.pk)
    customer.delete()
    run = run_sync_job(sync_job_type="sap-customer-cleanup", source_document_name=name)
    assert run.job.status == "finished"
    assert not SAPCustomer.objects.exists()


def test_large_limit_waits_for_a_person(customer: Customer) -> None:
    SAPCustomer.objects.create(number="C-7", name="Ada")
    target = "acme.SAPCustomer"
    run = run_sync_job(customer, controller="sap_account_sync", target_document_type=target, config={"free_limit": 50})
    assert run.job.status == "held"
    approved = approve_job(run.job.pk, actor="grace")
    assert finish_sync_job(approved).job.status == "finished"
