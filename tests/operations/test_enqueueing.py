"""The Python door: what is asked for is what the job has; nothing is there that was rolled back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from connectors.errors import ConfigError
from syncjobs.lifecycle import StatusConflict
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations import RunRefused, enqueue_sync_job
from syncjobs.operations.job_types import save_job_type
from tests.acme.models import Customer, SAPCustomer
from tests.controllers.made_controllers import TARGET

SLUG = "customers"


@pytest.fixture
def job_type(either_database: None) -> SyncJobType:
    return make_type()


def make_type() -> SyncJobType:
    values: dict[str, Any] = {"slug": SLUG, "name": "Customers", "controller": "sap_customer_sync"}
    values |= {"source_document_type": "acme.Customer", "target_document_type": TARGET, "timeout": 77, "max_retries": 5}
    return save_job_type(SyncJobType(**values), actor="test")


@pytest.fixture
def customer(job_type: SyncJobType) -> Customer:
    return Customer.objects.create(number="C-1", name="Ada")


def test_what_is_left_out_is_as_the_type_has_it(customer: Customer) -> None:
    job = enqueue_sync_job(sync_job_type=SLUG, source_doc=customer)
    assert (job.status, job.timeout, job.max_retries, job.context, job.queue) == ("queued", 77, 5, {}, "default")
    assert (job.source_document_type, job.source_document_name) == ("acme.Customer", str(customer.pk))
    assert (job.trigger_type, job.title) == ("api", f"Customers: acme.Customer {customer.pk}")


def test_zero_and_false_are_values(customer: Customer) -> None:
    asked: dict[str, Any] = {"timeout": 0, "max_retries": 0, "retry_delay": 0, "priority": 0}
    asked |= {"insert_enabled": False, "update_enabled": False, "delete_enabled": False, "verbose_logging": False}
    asked |= {"context": {"zero": 0, "no": False, "nothing": None}}
    job = enqueue_sync_job(sync_job_type=SLUG, source_document_name="0", **asked)
    job.refresh_from_db()
    assert {name: getattr(job, name) for name in asked} == asked
    assert job.source_document_name == "0"


def test_job_that_was_rolled_back_never_was(customer: Customer) -> None:
    with transaction.atomic():
        enqueue_sync_job(sync_job_type=SLUG, source_doc=customer)
        transaction.set_rollback(True)
    assert not SyncJob.objects.exists()


def test_pending_job_is_run_by_execute_and_only_once(customer: Customer) -> None:
    job = enqueue_sync_job(sync_job_type=SLUG, source_doc=customer, queue_on_insert=False)
    assert job.status == "pending"
    job = job.execute()
    assert (job.status, SAPCustomer.objects.get().name) == ("finished", "Ada")
    with pytest.raises(StatusConflict):
        job.execute()


def test_while_one_waits_the_same_ask_is_the_same_job(customer: Customer) -> None:
    first = enqueue_sync_job(sync_job_type=SLUG, source_doc=customer, dedupe_key="C-1")
    second = enqueue_sync_job(sync_job_type=SLUG, source_doc=customer, dedupe_key="C-1")
    other = enqueue_sync_job(sync_job_type=SLUG, source_doc=customer, dedupe_key="C-2")
    forced = enqueue_sync_job(sync_job_type=SLUG, source_doc=customer, dedupe_key="C-1", force=True)
    assert (second.pk, first.was_waiting, second.was_waiting) == (first.pk, False, True)
    assert len({first.pk, other.pk, forced.pk}) == 3
    first.execute()
    assert enqueue_sync_job(sync_job_type=SLUG, source_doc=customer, dedupe_key="C-1").pk != first.pk


def test_trigger_document_and_its_time_are_part_of_the_record(customer: Customer) -> None:
    job = enqueue_sync_job(sync_job_type=SLUG, source_doc=customer, triggered_by_doc=customer)
    assert (job.trigger_type, job.trigger_document_timestamp) == ("document_hook", customer.updated_at)
    assert (job.triggered_by_document_type, job.triggered_by_document_name) == ("acme.Customer", str(customer.pk))
    when = datetime(2026, 3, 1, tzinfo=UTC)
    job = enqueue_sync_job(
        sync_job_type=SLUG, source_doc=customer, triggered_by_doc=customer, trigger_document_timestamp=when
    )
    assert job.trigger_document_timestamp == when


def test_person_who_asks_is_part_of_the_record(customer: Customer) -> None:
    grace = User.objects.create_user("grace")
    job = enqueue_sync_job(sync_job_type=SLUG, source_doc=customer, user=grace)
    assert (job.triggered_by, job.events.get().actor) == (grace, "grace")


def test_job_may_have_a_context_and_no_document(job_type: SyncJobType) -> None:
    job = enqueue_sync_job(sync_job_type=SLUG, context={"a": [1, "ü"]})
    job.refresh_from_db()
    assert (job.context, job.source_document_name, job.title) == ({"a": [1, "ü"]}, "", "Customers: acme.Customer")


def test_children_take_the_next_place_of_their_parent(customer: Customer) -> None:
    parent = enqueue_sync_job(sync_job_type=SLUG)
    children = [
        enqueue_sync_job(sync_job_type=SLUG, source_doc=customer, parent_sync_job=asked)
        for asked in (parent, parent.pk)
    ]
    assert [(child.parent_id, child.position) for child in children] == [(parent.pk, 0), (parent.pk, 1)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"context": [1]}, "context must be an object, got list"),
        ({"context": "{}"}, "context must be an object, got str"),
        ({"context": {"x": object()}}, "context cannot be kept as JSON"),
        ({"context": {"x": float("nan")}}, "context cannot be kept as JSON"),
        ({"queue": "nowhere"}, "there is no queue 'nowhere'"),
        ({"timeout": -1}, "timeout: "),
        ({"max_retries": True}, "max_retries must be a whole number, got True"),
        ({"operation": "upsert"}, "a target's operation must be insert, update or delete, not 'upsert'"),
        ({"operation": "update"}, "to update a document its name is needed"),
        ({"source_document_name": "x" * 256}, "source_document_name has 256 characters, at most 255 are kept"),
        ({"source_document_type": "acme.Bundle", "source_document_name": "1"}, "customers reads acme.Customer, not"),
        ({"source_doc": Customer(number="C-9")}, "the source document is not saved yet, so it has no name"),
    ],
    ids=lambda part: None if isinstance(part, str) else "-".join(part),
)
def test_what_no_job_could_have_is_refused_in_a_sentence(asked: dict[str, Any], sentence: str) -> None:
    make_type()
    with pytest.raises(RunRefused) as refused:
        enqueue_sync_job(sync_job_type=SLUG, **asked)
    assert sentence in str(refused.value)
    assert not SyncJob.objects.exists()


@pytest.mark.django_db
def test_type_that_is_not_there_is_named() -> None:
    make_type()
    with pytest.raises(SyncJobType.DoesNotExist, match="there is no sync job type 'custmers'"):
        enqueue_sync_job(sync_job_type="custmers")


@pytest.mark.django_db
def test_type_whose_controller_is_gone_starts_nothing() -> None:
    make_type()
    SyncJobType.objects.update(controller="gone_away")
    with pytest.raises(ConfigError, match="'gone_away' is not a registered controller"):
        enqueue_sync_job(sync_job_type=SLUG)


def test_paused_type_starts_nothing_and_a_disabled_one_nothing_by_itself(customer: Customer) -> None:
    SyncJobType.objects.update(enabled=False)
    assert enqueue_sync_job(sync_job_type=SLUG, source_doc=customer).status == "queued"
    with pytest.raises(RunRefused, match="is not enabled"):
        enqueue_sync_job(sync_job_type=SLUG, source_doc=customer, triggered_by_doc=customer)
    SyncJobType.objects.update(enabled=True, paused_at=datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(RunRefused, match="is paused; resume it first"):
        enqueue_sync_job(sync_job_type=SLUG, source_doc=customer)
