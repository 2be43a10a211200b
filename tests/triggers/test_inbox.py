"""Saves that wait in the inbox become one job for each document, once, and each is traceable to the job it had."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.controllers.registry import standing_in
from syncjobs.models import InboxEntry, JobLog, SyncJob, SyncJobType
from syncjobs.operations import enqueue_sync_job
from syncjobs.operations.config_entries import import_job_type
from syncjobs.operations.config_shapes import describe_configuration
from syncjobs.operations.inbox import prune_inbox
from syncjobs.operations.job_type_states import pause_job_type, resume_job_type, set_job_type_enabled
from syncjobs.operations.job_types import save_job_type
from syncjobs.operations.jobs import delete_job
from syncjobs.triggers.inbox import Inbox
from tests.acme.models import Customer, SAPCustomer
from tests.triggers.hooked import fold, hooked_jobs, last_save, make_customer, watching_type

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def never_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look takes so long, on a busy machine, that the next one waits."""
    monkeypatch.setattr("syncjobs.triggers.inbox.LONG_LOOK_SECONDS", 60.0)


def test_500_saves_of_20_documents_become_20_jobs_and_each_save_knows_its_own() -> None:
    watching_type()
    customers = [make_customer(number) for number in range(20)]
    for _ in range(24):
        for customer in customers:
            customer.save()
    assert InboxEntry.objects.count() == 500
    assert fold() == 20
    jobs = hooked_jobs()
    assert sorted(int(job.source_document_name) for job in jobs) == [customer.pk for customer in customers]
    assert {job.triggered_by_document_type for job in jobs} == {"acme.Customer"}
    for job in jobs:
        served = job.served.all()
        assert [save.document_name for save in served] == [job.source_document_name] * 25
        assert (job.triggered_by_document_name, job.status) == (job.source_document_name, "queued")
        assert job.trigger_document_timestamp == max(save.saved_at for save in served)
    assert fold() == 0
    done = jobs[0].execute()
    assert done.status == "finished"
    assert SAPCustomer.objects.get().name == Customer.objects.get(pk=done.source_document_name).name


def test_job_is_made_once_its_document_was_quiet_long_enough() -> None:
    watching_type()
    make_customer()
    assert fold(seconds=1.999) == 0
    assert fold(seconds=2) == 1


def test_job_of_a_document_that_never_rests_is_made_when_the_most_seconds_are_over() -> None:
    job_type = watching_type(watch_quiet_seconds=10, watch_most_seconds=15)
    customer = make_customer()
    first = last_save()
    for seconds in (6, 12):
        customer.save()
        newest = InboxEntry.objects.order_by("-pk")[0]
        InboxEntry.objects.filter(pk=newest.pk).update(saved_at=first + timedelta(seconds=seconds))
    inbox = Inbox()
    assert inbox.tick(first + timedelta(seconds=14.9)) == 0
    assert inbox.tick(first + timedelta(seconds=15)) == 1
    customer.save()
    save_job_type(job_type, actor="test")
    assert fold(seconds=9.9) == 0
    assert fold(seconds=10) == 1
    assert len(hooked_jobs()) == 1, "the job that had not begun serves the later save, too"
    (job,) = hooked_jobs()
    assert (job.served.count(), job.trigger_document_timestamp) == (4, last_save())


def test_dispatcher_sleeps_until_the_next_document_is_due() -> None:
    watching_type()
    inbox = Inbox()
    assert inbox.seconds_until_due() == float("inf")
    make_customer()
    inbox.tick(last_save() + timedelta(seconds=0.5))
    assert 1.0 < inbox.seconds_until_due() <= 1.5
    inbox.tick(last_save() + timedelta(seconds=2))
    assert inbox.seconds_until_due() == float("inf")


def test_of_many_documents_a_round_serves_some_and_the_next_one_is_at_once() -> None:
    watching_type(watch_quiet_seconds=0)
    for number in range(51):
        make_customer(number)
    inbox = Inbox()
    assert inbox.tick(last_save()) == 50
    assert inbox.seconds_until_due() == 0
    assert inbox.tick(last_save()) == 1


def test_save_during_the_run_makes_one_further_job() -> None:
    watching_type()
    customer = make_customer()
    fold()
    SyncJob.objects.update(status="started", attempt=1)
    customer.save()
    customer.save()
    assert fold() == 1
    first, second = hooked_jobs()
    assert (first.served.count(), second.served.count()) == (1, 2)
    assert first.concurrency_key == second.concurrency_key


def test_deleted_document_has_a_job_that_is_told_so() -> None:
    watching_type(keep_tombstones=True)
    customer = make_customer()
    customer.delete()
    fold()
    (job,) = hooked_jobs()
    assert job.context == {"document_operation": "delete"}
    assert job.served.count() == 2
    assert job.execute().status == "no_target"


def test_delete_does_not_join_a_job_that_waits_to_save() -> None:
    watching_type()
    customer = make_customer()
    fold()
    customer.delete()
    assert fold() == 1
    assert [job.context["document_operation"] for job in hooked_jobs()] == ["insert", "delete"]


def test_paused_type_keeps_its_saves_and_makes_the_jobs_when_it_is_resumed() -> None:
    job_type = watching_type()
    make_customer(1)
    pause_job_type(job_type, actor="test")
    make_customer(2)
    assert fold() == 0
    assert InboxEntry.objects.filter(served_at=None).count() == 2
    resume_job_type(SyncJobType.objects.get(), actor="test")
    assert fold() == 2


def test_disabled_type_drops_what_waits_and_a_type_that_reads_another_model_too() -> None:
    job_type = watching_type()
    make_customer(1)
    set_job_type_enabled(job_type, False, actor="test")
    assert fold() == 0
    assert not InboxEntry.objects.exists()
    set_job_type_enabled(job_type, True, actor="test")
    make_customer(2)
    job_type.source_document_type = "acme.Bundle"
    save_job_type(job_type, actor="test")
    assert fold() == 0
    assert not InboxEntry.objects.exists()
    assert not SyncJob.objects.exists()


def test_type_that_can_not_run_keeps_its_saves_and_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    broken, sound = watching_type(slug="broken"), watching_type(slug="sound")
    SyncJobType.objects.filter(pk=broken.pk).update(controller="gone")
    make_customer()
    inbox, due = Inbox(), last_save() + timedelta(seconds=2)
    assert inbox.tick(due) == 1
    assert hooked_jobs()[0].job_type == sound
    assert inbox.tick(due + timedelta(seconds=29)) == 0
    assert [record.getMessage().count("gone") > 0 for record in caplog.records if record.levelname == "ERROR"] == [True]
    SyncJobType.objects.filter(pk=broken.pk).update(controller="sap_customer_sync")
    assert inbox.tick(due + timedelta(seconds=30)) == 1
    assert not InboxEntry.objects.filter(served_at=None).exists()


def test_what_was_served_long_ago_goes_and_what_waits_stays() -> None:
    watching_type()
    make_customer(1)
    fold()
    make_customer(2)
    served_at = InboxEntry.objects.get(document_name=hooked_jobs()[0].source_document_name).served_at or pytest.fail(
        "it was not served"
    )
    assert prune_inbox(now=served_at + timedelta(days=30)) == 0
    assert prune_inbox(now=served_at + timedelta(days=30, seconds=1)) == 1
    assert [entry.served_at for entry in InboxEntry.objects.all()] == [None]
    SyncJobType.objects.update(slug="gone")
    InboxEntry.objects.update(job_type_id=10**9)
    assert prune_inbox(now=served_at) == 1


def test_deleted_job_takes_the_saves_that_it_served_along() -> None:
    watching_type()
    make_customer(1)
    fold()
    make_customer(2)
    SyncJob.objects.update(status="canceled")
    delete_job(hooked_jobs()[0].pk, actor="test")
    assert [entry.served_at for entry in InboxEntry.objects.all()] == [None]


# Saves that jobs make


class SelfSaving:
    """Saves the very document that its type watches, so that without a limit there would be no end of jobs."""

    name = "self_saving"

    def type_problems(self, job_type: SyncJobType) -> dict[str, list[str]]:
        return {}

    def execute(self, sync_job: JobHandle, source_doc: Any) -> Outcome:
        source_doc.save()
        return Outcome()


def test_saves_of_jobs_start_nothing_unless_the_type_says_so() -> None:
    watching_type()
    watching_type(slug="back", source_document_type="acme.SAPCustomer")
    customer = make_customer()
    fold()
    assert hooked_jobs()[0].execute().status == "finished"
    assert not InboxEntry.objects.filter(served_at=None).exists()
    back = SyncJobType.objects.get(slug="back")
    back.watch_job_saves = True
    save_job_type(back, actor="test")
    customer.name = "Another"
    customer.save()
    fold()
    done = hooked_jobs()[1].execute()
    (save,) = InboxEntry.objects.filter(served_at=None)
    assert (save.document_type, save.saved_in, save.depth) == ("acme.SAPCustomer", done.pk, 1)


def test_saves_of_jobs_are_heeded_five_deep_and_the_next_is_told_of() -> None:
    with standing_in(SelfSaving()):
        watching_type(controller="self_saving", watch_job_saves=True)
        make_customer()
        while InboxEntry.objects.filter(served_at=None).exists():
            assert fold() == 1
            assert hooked_jobs()[-1].execute().status == "finished"
    jobs = hooked_jobs()
    assert [job.served.get().depth for job in jobs] == [0, 1, 2, 3, 4, 5]
    (line,) = JobLog.objects.filter(level="WARNING")
    assert (line.job_id, "5 hooks deep already" in line.message) == (jobs[-1].pk, True)


def test_job_that_is_asked_for_by_hand_may_lead_to_hooks_as_well() -> None:
    watching_type(slug="back", source_document_type="acme.SAPCustomer", watch_job_saves=True)
    sync = watching_type(watch_saves=False)
    customer = make_customer()
    enqueue_sync_job(sync_job_type=sync, source_doc=customer, queue_on_insert=False).execute()
    (save,) = InboxEntry.objects.all()
    assert save.depth == 1


def test_watching_is_part_of_an_exported_configuration_and_comes_back_with_it() -> None:
    watching_type(watch_quiet_seconds=0, watch_most_seconds=7, watch_job_saves=True)
    (shape,) = describe_configuration()["job_types"]
    SyncJobType.objects.all().delete()
    assert import_job_type(shape, actor="test", user=None).outcome == "created"
    assert import_job_type(shape, actor="test", user=None).outcome == "unchanged"
    found = SyncJobType.objects.get()
    assert (found.watch_saves, found.watch_quiet_seconds, found.watch_most_seconds) == (True, 0, 7)
    older = {name: value for name, value in shape.items() if not name.startswith("watch_")}
    assert import_job_type(older, actor="test", user=None).outcome == "unchanged"
