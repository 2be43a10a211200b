"""The books of document jobs: in order after all that the example controllers do, and told where a change is lost."""

from __future__ import annotations

import pytest

from syncjobs.models import Change, SyncJob
from syncjobs.operations import enqueue_sync_job
from syncjobs.operations.state_checks import find_breaches
from syncjobs.testing import run_sync_job
from tests.acme.models import Bundle, Customer
from tests.acme.sync_job_types import make_sync_job_types

pytestmark = pytest.mark.django_db


def sync(customer: Customer, *, dry_run: bool = False, update_without_changes: bool = False) -> SyncJob:
    job = enqueue_sync_job(
        sync_job_type="sap-customer-sync",
        source_doc=customer,
        queue_on_insert=False,
        dry_run=dry_run,
        update_without_changes_enabled=update_without_changes,
    )
    return job.execute()


@pytest.fixture
def customer() -> Customer:
    make_sync_job_types()
    return Customer.objects.create(number="C-7", name="Ada")


def test_document_jobs_of_every_kind_break_nothing(customer: Customer) -> None:
    assert sync(customer, dry_run=True).status == "finished"
    assert sync(customer).status == "finished"
    assert sync(customer).status == "skipped"
    assert sync(customer, update_without_changes=True).status == "finished"
    assert list(find_breaches()) == []


def test_a_relay_with_children_that_failed_first_breaks_nothing() -> None:
    bundle = Bundle.objects.create(number="B-1")
    for number in range(3):
        bundle.items.create(article=f"A-{number}", weight="1.250", picture=b"", description="")
    relay = run_sync_job(bundle, controller="sap_bundle_sync", target_document_type="acme.SAPArticle", fail_attempt=1)
    assert relay.job.status == "relayed"
    assert list(find_breaches()) == []


def test_a_lost_change_of_a_document_job_is_told(customer: Customer) -> None:
    job = sync(customer)
    Change.objects.all().delete()
    (found,) = find_breaches()
    assert (found.job_id, found.rule) == (job.pk, "kept_changes")
    assert "kept is 0, counted is 1" in found.message
