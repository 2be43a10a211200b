"""Batches are sized by bytes, then by time, within limits."""

from __future__ import annotations

import pytest

from syncjobs.streams.batch_sizes import BatchSize


@pytest.mark.parametrize(
    ("record_bytes", "most", "records"),
    [
        (1024, None, 32_768),
        (1, None, 500_000),
        (30_000, None, 1_118),
        (1_000_000, None, 33),
        (100_000_000, None, 1),
        (1024, 500, 500),
        (0, None, 500_000),
        (1024, 900_000, 32_768),
        (10, 900_000, 500_000),
    ],
)
def test_first_batch_is_about_32_mib_within_limits(record_bytes: float, most: int | None, records: int) -> None:
    assert BatchSize(record_bytes, most).records == records


def test_slow_batches_are_halved_and_quick_full_ones_doubled() -> None:
    size = BatchSize(1024)
    size.learn(32_768, 2.1)
    assert size.records == 16_384
    size.learn(16_384, 1.0)
    size.learn(16_383, 0.1)
    assert size.records == 16_384, "a batch that was not full says nothing"
    size.learn(16_384, 0.4)
    assert size.records == 32_768


def test_size_stays_within_what_the_stream_allows() -> None:
    size = BatchSize(1024, 2_000)
    size.learn(2_000, 0.1)
    assert size.records == 2_000
    for _ in range(3):
        size.learn(2_000, 9)
    assert size.records == 1_000
    tiny = BatchSize(1024, 10)
    tiny.learn(10, 9)
    assert tiny.records == 10


def test_records_that_turn_out_large_come_fewer_at_a_time() -> None:
    size = BatchSize(1024)
    size.learn(32_768, 1.0, 2**30)
    assert size.records == 32_768, "it is the time that counts"
    size.learn(32_768, 60.0, 32_768 * 2**20)
    assert size.records == 32
    size.learn(32, 0.1, 32 * 1024)
    assert size.records == 64
