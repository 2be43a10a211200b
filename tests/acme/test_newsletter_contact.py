"""The bypass controller, against a real HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from syncjobs.testing import FinishedRun, run_sync_job
from tests.acme.models import Customer
from tests.acme.newsletter_service import NewsletterService, newsletter_service

pytestmark = pytest.mark.django_db
CONTACT = "/contacts/C-7"


@pytest.fixture
def service() -> Iterator[NewsletterService]:
    with newsletter_service() as running:
        yield running


@pytest.fixture
def customer() -> Customer:
    return Customer.objects.create(number="C-7", name="Ada", email="ada@example.org")


def run(customer: Customer, service: NewsletterService, **asked: Any) -> FinishedRun:
    return run_sync_job(customer, controller="newsletter_contact", config={"base_url": service.url}, **asked)


def test_contact_is_made_then_updated_then_left_alone(customer: Customer, service: NewsletterService) -> None:
    first = run(customer, service)
    assert (first.job.status, first.job.operation, first.job.target_document_name) == ("finished", "insert", "C-7")
    assert first.changes[0].fields == {"name": [None, "Ada"], "email": [None, "ada@example.org"]}
    customer.name = "Ada L."
    customer.save()
    second = run(customer, service)
    assert (second.job.counts["updated"], second.changes[0].fields) == (1, {"name": ["Ada", "Ada L."]})
    assert run(customer, service).job.status == "skipped"
    assert service.puts == 2


def test_dry_run_only_looks(customer: Customer, service: NewsletterService) -> None:
    planned = run(customer, service, dry_run=True)
    assert (planned.job.status, len(planned.changes), service.contacts) == ("finished", 1, {})


def test_failure_after_the_call_does_not_write_twice(customer: Customer, service: NewsletterService) -> None:
    done = run(customer, service, fail_attempt=1)
    assert (done.job.attempt, done.job.status, service.puts) == (2, "skipped", 1)


@pytest.mark.parametrize(
    ("status", "headers", "attempts", "failure_class"),
    [(429, {"Retry-After": "60"}, 2, None), (503, {}, 2, None), (401, {}, 1, "config")],
)
def test_trouble_at_the_service_is_retried_where_that_can_help(
    customer: Customer,
    service: NewsletterService,
    status: int,
    headers: dict[str, str],
    attempts: int,
    failure_class: str | None,
) -> None:
    service.trouble = [(status, headers)]
    job = run(customer, service).job
    assert job.attempt == attempts
    assert (job.failure or {}).get("class") == failure_class


def test_deleted_customer_is_no_contact(customer: Customer, service: NewsletterService) -> None:
    name = str(customer.pk)
    customer.delete()
    done = run_sync_job(
        controller="newsletter_contact",
        config={"base_url": service.url},
        source_document_type="acme.Customer",
        source_document_name=name,
    )
    assert (done.job.status, service.contacts) == ("no_target", {})
