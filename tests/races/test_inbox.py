"""Two dispatchers that look at one inbox at the same moment, while somebody else saves."""

from __future__ import annotations

from datetime import timedelta

from syncjobs.clock import db_now
from syncjobs.models import InboxEntry, SyncJob
from syncjobs.operations.job_type_states import pause_job_type
from syncjobs.operations.watched_models import forget_watchers
from syncjobs.triggers.inbox import Inbox
from tests.acme.models import Customer
from tests.races.arena import Arena
from tests.triggers.hooked import make_customer, watching_type

ROUNDS, DOCUMENTS = 10, 5


def fold_now() -> int:
    return Inbox().tick(db_now() + timedelta(minutes=1))


def save_again() -> bool:
    for customer in Customer.objects.all():
        customer.save()
    return True


def assert_each_save_has_its_job(documents: int) -> None:
    """And that no document has two jobs that wait to begin."""
    assert not InboxEntry.objects.filter(served_at=None).exists()
    for save in InboxEntry.objects.select_related("job"):
        assert save.job is not None
        assert save.job.source_document_name == save.document_name
    assert SyncJob.objects.count() == documents


def test_two_dispatchers_make_one_job_for_each_document_and_no_save_is_lost(arena: Arena) -> None:
    forget_watchers()
    job_type = watching_type()
    for number in range(ROUNDS):
        for place in range(DOCUMENTS):
            make_customer(number * DOCUMENTS + place)
        arena.race(fold_now, fold_now)
        assert_each_save_has_its_job((number + 1) * DOCUMENTS)
    for _ in range(ROUNDS):
        save_again()
        arena.race(fold_now, save_again)
        fold_now()
        assert_each_save_has_its_job(ROUNDS * DOCUMENTS)
    make_customer(1000)
    arena.race(fold_now, lambda: pause_job_type(job_type, actor="test"))
    fold_now()
    waits = InboxEntry.objects.filter(served_at=None).count()
    assert SyncJob.objects.filter(status="queued").count() == 0, "nothing of a paused type is queued"
    assert SyncJob.objects.count() == ROUNDS * DOCUMENTS + 1 - waits
