"""A batch's changes are still being stored in our own database when the target begins to write: both take their time.

Exactly once stays as it was: the target's commit comes after all of ours (DESIGN §7.7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Self

from connectors.base import KeptChange


class EarlyWrite:
    """The writing of one batch, begun in a thread as soon as all of its changes were taken; it is over at the exit."""

    def __init__(self, write: Callable[[], object]) -> None:
        self._write = write
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="early-write")
        self._begun: Future[object] | None = None

    def after(self, changes: Iterable[KeptChange]) -> Iterator[KeptChange]:
        """The changes; behind the last one the target's connection is free for writing."""
        yield from changes
        self._begun = self._thread.submit(copy_context().run, self._write)

    def finish(self) -> None:
        """Wait until it is written, which begins now where the changes were not taken to their end."""
        if self._begun is None:
            self._write()
        else:
            self._begun.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()
