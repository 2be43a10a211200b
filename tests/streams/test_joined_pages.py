"""Large pages that share a batch: which do, that the same ones come again, and that no error takes others with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.errors import Interrupted
from connectors.models import Connector
from connectors.records import Batch
from syncjobs.models import JobBatch, SyncJobType
from syncjobs.streams import joining
from syncjobs.streams.joining import JoinedPages
from syncjobs.streams.records_in import MappedPage
from tests.streams.conftest import counts, rows_of
from tests.streams.test_pages_ahead import TWO, page, run_on

ALL = 1_000_000
LARGE = joining.LEAST_RECORDS


@pytest.fixture
def items_in_twos(items: Callable[..., SyncJobType], monkeypatch: pytest.MonkeyPatch) -> Callable[..., SyncJobType]:
    """As `items`, from a portal asked for two records at a time, which is many here."""
    monkeypatch.setattr(joining, "LEAST_RECORDS", 2)
    monkeypatch.setattr(joining, "MOST_WAITED", 10.0)
    connector = Connector.objects.get(slug="source")
    Connector.objects.filter(slug="source").update(config=connector.config | {"page_size": 2})
    return items


def batch(position: int, records: int = LARGE, byte_count: int = 1, *, comes: bool = True) -> Batch:
    return Batch(("code",), [("a",)] * records, position, byte_count, next_comes_within=lambda _seconds: comes)


def as_it_is(one: Batch) -> MappedPage:
    return MappedPage(one, one.rows, range(len(one.rows)), [], {}, {})


def joined(*batches: Batch, most: int = ALL) -> list[Any]:
    """The positions of those that share the first one's batch."""
    others = iter(batches)
    return [one.batch.position for one in JoinedPages(next(others), others, as_it_is, most)]


def test_large_pages_that_come_at_once_share_a_batch_up_to_its_records() -> None:
    assert joined(batch(1), batch(2), batch(3)) == [1, 2, 3]
    assert joined(batch(1), batch(2), batch(3), most=2 * LARGE) == [1, 2]


def test_small_late_and_heavy_pages_are_batches_of_their_own() -> None:
    assert joined(batch(1, LARGE - 1), batch(2)) == [1]
    assert joined(batch(1, comes=False), batch(2)) == [1]
    assert joined(batch(1, byte_count=joining.MOST_BYTES // 2 + 1), batch(2)) == [1]


def test_pages_of_a_batch_come_again_when_it_is_written_again() -> None:
    pages = JoinedPages(batch(1), iter([batch(2), batch(3)]), as_it_is, ALL)
    tried = iter(pages)
    assert [next(tried), next(tried)] == list(pages)[:2]
    assert [one.batch.position for one in pages] == [1, 2, 3]


def test_error_of_a_later_page_waits_until_those_before_it_are_written() -> None:
    def others() -> Iterator[Batch]:
        yield batch(2)
        raise Interrupted("paused")

    pages = JoinedPages(batch(1), others(), as_it_is, ALL)
    for _ in range(2):
        assert [one.batch.position for one in pages] == [1, 2]
    with pytest.raises(Interrupted, match="paused"):
        pages.raise_late_error()


def test_page_that_does_not_fit_leaves_the_one_it_shares_a_batch_with(
    items_in_twos: Callable[..., SyncJobType],
) -> None:
    job_type = items_in_twos(mapping=TWO["mapping"])
    job = run_on(job_type, page(1, "1", "2"), page(2, "3", "4"), page(3, "many"))
    assert (job.status, counts(job)) == ("error", {"read": 4, "inserted": 4}), job.failure
    assert sorted(rows_of(job_type)) == ["1a", "1b", "2a", "2b"]
    assert [one.batch_no for one in JobBatch.objects.filter(job=job)] == [1]


def test_pages_that_share_a_batch_are_counted_and_follow_each_other(
    items_in_twos: Callable[..., SyncJobType],
) -> None:
    job_type = items_in_twos(mapping=TWO["mapping"], on_reject={"policy": "quarantine", "max": 3, "max_share": 1.0})
    job = run_on(job_type, page(1, "many", "1"), page(2, "101", "few"), page(3, "3"))
    assert (job.status, counts(job)) == ("finished", {"read": 5, "inserted": 3, "rejected": 2}), job.failure
    assert sorted(rows_of(job_type)) == ["1b", "2a", "3a"]
    assert job.checkpoint["nulled"] == {"size": 1}
    assert [one.batch_no for one in JobBatch.objects.filter(job=job)] == [1]
