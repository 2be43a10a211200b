"""Saves and deletes of watched documents leave entries in the inbox, in their own transactions, and no others do."""

from __future__ import annotations

import logging

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from syncjobs.asking import Asker, Door, asking
from syncjobs.log_context import bind
from syncjobs.models import InboxEntry, SyncJobType
from syncjobs.operations.inbox import entries_of
from syncjobs.operations.job_type_states import set_job_type_enabled
from syncjobs.operations.watched_models import forget_watchers
from tests.acme.models import Customer
from tests.triggers.hooked import make_customer, watching_type

pytestmark = pytest.mark.usefixtures("committed")


def entries() -> list[tuple[str, str]]:
    return list(InboxEntry.objects.values_list("operation", "document_name"))


def test_each_save_and_delete_leaves_an_entry_that_says_what_who_and_when() -> None:
    job_type = watching_type()
    with asking(Asker(Door.PORTAL, "anna")), bind(request_id="request-7"):
        customer = make_customer()
    customer.save()
    name = str(customer.pk)
    customer.delete()
    first, *others = InboxEntry.objects.all()
    assert (first.job_type, first.document_type, first.document_name) == (job_type, "acme.Customer", name)
    assert (first.operation, first.saved_by, first.request_id, first.depth) == ("insert", "anna", "request-7", 0)
    assert (first.job, first.served_at) == (None, None)
    assert [(entry.operation, entry.document_name, entry.saved_by) for entry in others] == [
        ("update", name, ""),
        ("delete", name, ""),
    ]
    assert first.saved_at <= others[0].saved_at <= others[1].saved_at


def test_save_that_is_rolled_back_leaves_no_entry() -> None:
    watching_type()
    with transaction.atomic():
        make_customer()
        assert len(entries()) == 1
        transaction.set_rollback(True)
    make_customer(2)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_customer(2)
    assert len(entries()) == Customer.objects.count() == 1


def test_save_outside_of_a_transaction_is_committed_together_with_its_entry() -> None:
    watching_type()
    customer = make_customer()
    with CaptureQueriesContext(connection) as asked:
        customer.save()
    statements = [query["sql"].split()[0] for query in asked.captured_queries]
    assert statements[:4] == ["BEGIN", "UPDATE", "INSERT", "COMMIT"]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE syncjobs_inboxentry RENAME TO elsewhere")
    customer.name = "Never stored"
    try:
        with pytest.raises(Exception, match="syncjobs_inboxentry"):
            customer.save()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO syncjobs_inboxentry")
    customer.refresh_from_db()
    assert customer.name == "Customer 1"


def test_bulk_operations_send_no_signal_and_leave_no_entry() -> None:
    watching_type()
    Customer.objects.bulk_create([Customer(number="1", name="A"), Customer(number="2", name="B")])
    Customer.objects.update(name="C")
    assert entries() == []
    Customer.objects.all().delete()  # reads and deletes them one by one, since somebody listens
    assert [operation for operation, _ in entries()] == ["delete", "delete"]


def test_each_type_that_watches_has_an_entry_of_its_own_and_others_have_none() -> None:
    watching_type()
    watching_type(slug="more", source_document_type="acme.customer")
    watching_type(slug="not-watching", watch_saves=False)
    watching_type(slug="elsewhere", source_document_type="acme.Bundle")
    watching_type(slug="off", enabled=False)
    make_customer()
    slugs = InboxEntry.objects.values_list("job_type__slug", flat=True)
    assert sorted(slugs) == ["customers", "more"]


def test_save_costs_no_statement_while_no_type_watches_its_model() -> None:
    watching_type(source_document_type="acme.Bundle")
    customer = make_customer()  # the process has asked who watches what
    with CaptureQueriesContext(connection) as asked:
        customer.save()
    assert len(asked) == 1


def test_type_that_another_process_switches_on_is_heeded_when_this_one_asks_again() -> None:
    job_type = watching_type(watch_saves=False)
    make_customer(1)
    SyncJobType.objects.filter(pk=job_type.pk).update(watch_saves=True)  # without a signal in this process
    make_customer(2)
    forget_watchers()  # as a second does
    make_customer(3)
    assert len(entries()) == 1
    set_job_type_enabled(SyncJobType.objects.get(), False, actor="test")
    make_customer(4)
    assert len(entries()) == 1


def test_save_survives_that_its_type_is_deleted_at_the_same_moment() -> None:
    watching_type()
    make_customer(1)
    with connection.cursor() as cursor:  # by another process: this one still takes the model for watched
        cursor.execute("DELETE FROM syncjobs_jobtypeversion")
        cursor.execute("DELETE FROM syncjobs_syncjobtype")
    make_customer(2)
    assert Customer.objects.count() == 2


def test_document_whose_name_no_job_can_have_starts_nothing(caplog: pytest.LogCaptureFixture) -> None:
    watching_type()
    with caplog.at_level(logging.WARNING, logger="syncjobs.inbox"):
        found = [entries_of(Customer(pk=name), InboxEntry.Operation.UPDATE) for name in ("n" * 241, "a\0b", "n" * 240)]
    assert [len(entries) for entries in found] == [0, 0, 1]
    assert caplog.text.count("A save of acme.Customer starts no job") == 2


@pytest.mark.parametrize(
    ("settings", "field", "text"),
    [
        ({"source_document_type": ""}, "watch_saves", "Only saves of a Django model can be watched"),
        ({"source_document_type": "acme.Nobody"}, "watch_saves", "there is no Django model 'acme.Nobody'"),
        ({"source_document_type": "syncjobs.SyncJob"}, "watch_saves", "belongs to Syncdeck itself"),
        ({"watch_quiet_seconds": 40}, "watch_most_seconds", "at least the 40 quiet seconds"),
        ({"watch_most_seconds": 90_000}, "watch_most_seconds", "86400"),
    ],
)
def test_watching_what_can_not_be_watched_is_refused(settings: dict[str, object], field: str, text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        watching_type(**settings)
    assert text in str(refused.value.message_dict[field])
