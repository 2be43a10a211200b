"""The ways to run a job that the page shows besides the portal and the terminal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db.models.signals import post_save
from django.test import RequestFactory

from syncjobs.models import SyncJob
from syncjobs.operations import enqueue_sync_job
from tests.acme.models import Customer, SAPCustomer
from tests.acme.signals import sync_saved_customer
from tests.acme.sync_job_types import make_sync_job_types
from tests.acme.views import sync_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    make_sync_job_types()
    return Customer.objects.create(number="C-7", name="Ada")


def test_job_runs_in_the_calling_process(customer: Customer) -> None:
    # page: python
    job = enqueue_sync_job(sync_job_type="sap-customer-sync", source_doc=customer, queue_on_insert=False)
    job = job.execute()
    differences = [change.fields for change in job.changes.all()]
    # end
    assert job.status == "finished"
    assert differences[0]["name"] == [None, "Ada"]
    assert SAPCustomer.objects.get().name == "Ada"


@pytest.fixture
def listening() -> Iterator[None]:
    # page: signal
    post_save.connect(sync_saved_customer, sender=Customer)
    # end
    yield
    post_save.disconnect(sync_saved_customer, sender=Customer)


def test_every_save_asks_for_a_sync_and_those_that_wait_are_one(customer: Customer, listening: None) -> None:
    for name in ("Ada", "Ada L.", "Ada Lovelace"):
        customer.name = name
        customer.save()
    job = SyncJob.objects.get()
    assert (job.status, job.source_document_name, job.trigger_type) == ("queued", str(customer.pk), "document_hook")
    assert job.trigger_document_timestamp is not None


def test_view_asks_for_a_job_without_retries(customer: Customer) -> None:
    request = RequestFactory().post("/")
    request.user = User.objects.create_user("grace")
    answer = sync_customer(request, "C-7")
    job = SyncJob.objects.get()
    assert (answer.status_code, job.max_retries, job.status) == (202, 0, "queued")
