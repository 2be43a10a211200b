"""The next page is fetched in a thread while the one before is worked on: one page, no more. Sends nothing itself."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self, TypeVar

from connectors.errors import InternalError
from connectors.surroundings import Surroundings, note_nothing

Page = TypeVar("Page")
SWITCH_SECONDS = 0.0005
"""Python's own 5 ms, each time that the reader comes back from a short wait for its database, would add up."""


def one_ahead(pages: Iterator[Page]) -> Iterator[Page]:
    """The same pages; each is made in a thread while the one before is looked at."""
    with _short_switches(), ThreadPoolExecutor(1, thread_name_prefix="one-ahead") as thread:
        coming = thread.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = thread.submit(next, pages, None)
            yield page


@contextmanager
def _short_switches() -> Iterator[None]:
    seconds = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(seconds)


class PagesInTurn(Generic[Page]):
    """Fetches a page when it is asked for."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self._fetch: Callable[[], Page] | None = None

    def begin(self, fetch: Callable[[], Page]) -> None:
        """From now on `fetch` is what gets the next page."""
        self._fetch = fetch

    def result(self) -> Page:
        """The page. Raises what fetching it raises."""
        if self._fetch is None:
            raise InternalError("reader_order", "a page was asked for that nobody fetches")
        return self._fetch()

    def comes_within(self, _seconds: float) -> bool:
        """Whether the page is there by then."""
        return False

    def close(self) -> None:
        """Nobody reads on; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class PagesAhead(PagesInTurn[Page]):
    """Fetches it in a thread as soon as it is begun, with `surroundings` that end with the reader's, or before.

    Whatever the thread meets is raised by `result`. It must take no turns, for which it would need a database.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._told = surroundings
        inner = surroundings.interruption.inner()
        super().__init__(
            replace(surroundings, interruption=inner, waiting=self._noting_wait, note_refusal=note_nothing)
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._changed = threading.Condition()
        self._is_waiting = False
        self._next: Future[Page] | None = None
        self._switch_seconds = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)

    def begin(self, fetch: Callable[[], Page]) -> None:
        self._next = self._thread.submit(fetch)
        self._next.add_done_callback(self._tell_done)

    def result(self) -> Page:
        page = self._next
        if page is None:
            raise InternalError("reader_order", "a page was asked for that nobody fetches")
        with self._changed:
            while not page.done():
                is_waiting = self._is_waiting
                with self._told.waiting() if is_waiting else nullcontext():
                    self._changed.wait_for(lambda: page.done() or self._is_waiting != is_waiting)  # noqa: B023
        with self._told.noting_refusals():
            return page.result()

    def comes_within(self, seconds: float) -> bool:
        return self._next is not None and bool(wait([self._next], seconds).done)

    def close(self) -> None:
        self.surroundings.interruption.request("nobody reads on")
        self._thread.shutdown()
        sys.setswitchinterval(self._switch_seconds)

    @contextmanager
    def _noting_wait(self) -> Iterator[None]:
        """The job shows that it waits only where it waits for this."""
        self._set_waiting(is_waiting=True)
        try:
            yield
        finally:
            self._set_waiting(is_waiting=False)

    def _set_waiting(self, *, is_waiting: bool) -> None:
        with self._changed:
            self._is_waiting = is_waiting
            self._changed.notify_all()

    def _tell_done(self, _page: Future[Page]) -> None:
        with self._changed:
            self._changed.notify_all()
