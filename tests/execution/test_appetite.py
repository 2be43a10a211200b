"""A worker holds a message ahead only while its jobs are over in a moment."""

from __future__ import annotations

from dataclasses import dataclass

from syncjobs.appetite import Appetite


@dataclass
class Worker:
    concurrency: int = 2
    max_concurrency: int | None = None


def test_quick_worker_holds_one_message_more_for_each_process_until_its_jobs_take_long() -> None:
    worker = Worker()
    appetite = Appetite(worker)
    appetite.adjust(1)
    assert worker.max_concurrency == 2
    appetite.adjust(1 + 4)
    assert worker.max_concurrency == 4
    appetite.adjust(5 + 1)
    assert worker.max_concurrency == 2
