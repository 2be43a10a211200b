"""Waiting for a job beside a progress line on a terminal. Looks at rows only; the job does not notice it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from django.db import Error as DatabaseProblem
from django.db import connections
from django.db.models import Q

from syncjobs.lifecycle import StatusConflict, wait_text
from syncjobs.management.job_texts import total_counts
from syncjobs.models import SyncJob
from syncjobs.operations.jobs import cancel_job
from syncjobs.statuses import DONE, FINAL, Status

LOOK_SECONDS = 0.5
BAR_WIDTH = 24
NEEDED: dict[str, str] = {Status.PAUSED: "resumes or cancels", Status.HELD: "approves or discards"}
IS_FINAL = Q(status__in=FINAL, retry_after__isnull=True)


class ProgressLine:
    """One line that is drawn over again; nothing at all where the stream is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._width = 0

    @property
    def is_visible(self) -> bool:
        return self._is_terminal

    def show(self, job: SyncJob) -> None:
        if self._is_terminal:
            self._draw(progress_text(job))

    def clear(self) -> None:
        if self._is_terminal and self._width:
            self._draw("")
            self._width = 0

    def _draw(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._width) + ("" if text else "\r"))
        self._stream.flush()
        self._width = len(text)


def progress_text(job: SyncJob) -> str:
    """`#7 Started, reading [######------] 12,000 of 28,210 records`; without a known total just the number."""
    where = f"#{job.pk} {Status(job.status).label}"
    if reason := wait_text(job) or job.phase:
        where += f", {reason}"
    read, total = total_counts(job).read, job.total_estimate
    if not total:
        return f"{where}: {read:,} records"
    filled = min(BAR_WIDTH, BAR_WIDTH * read // total)
    return f"{where} [{'#' * filled}{'-' * (BAR_WIDTH - filled)}] {read:,} of {total:,} records"


def look_up(job_id: int) -> SyncJob:
    return SyncJob.objects.select_related("job_type").get(pk=job_id)


def is_done_for_good(job: SyncJob) -> bool:
    """Final, without a retry due; a relay only when all its children are."""
    if not job.is_final:
        return False
    return job.status != Status.RELAYED or not job.children.exclude(IS_FINAL).exists()


def has_ended_well(job: SyncJob) -> bool:
    """Done, and so is every child of a relay."""
    if job.status == Status.RELAYED:
        return not job.children.exclude(status__in=DONE).exists()
    return job.status in DONE


def wait_until_done(job_id: int, progress: ProgressLine, warn: Callable[[str], None]) -> SyncJob:
    """The job once it is done for good. A retry that is due is waited for, and with a warning whoever has to decide."""
    last = ""
    while not is_done_for_good(job := look_up(job_id)):
        if job.status != last and (needed := NEEDED.get(job.status)):
            progress.clear()
            warn(f"Warning: job #{job.pk} is {job.status} and waits until somebody {needed} it: sync show {job.pk}")
        last = job.status
        progress.show(job)
        time.sleep(LOOK_SECONDS)
    progress.clear()
    return job


def wait_for_news(job_id: int, seconds: float) -> SyncJob:
    """The job as soon as it has left the queue or says what it waits for, at the latest after `seconds`."""
    give_up = time.monotonic() + seconds
    while True:
        job = look_up(job_id)
        if job.status != Status.QUEUED or job.wait_reason or time.monotonic() > give_up:
            return job
        time.sleep(0.05)


@contextmanager
def showing_progress(job_id: int, progress: ProgressLine) -> Iterator[None]:
    """Draw the job's progress from a thread, while this one runs it."""
    if not progress.is_visible:
        yield
        return
    ended = threading.Event()
    drawer = threading.Thread(target=_draw_until, args=(ended, job_id, progress), name="progress", daemon=True)
    drawer.start()
    try:
        yield
    finally:
        ended.set()
        drawer.join()
        progress.clear()


def _draw_until(ended: threading.Event, job_id: int, progress: ProgressLine) -> None:
    try:
        while not ended.wait(LOOK_SECONDS):
            progress.show(look_up(job_id))
    except DatabaseProblem:
        return  # the run itself will say what is wrong
    finally:
        connections.close_all()


class Interrupt:
    """Ctrl-C during a run in this process: asks the job to stop, once; a second Ctrl-C ends the process at once."""

    def __init__(self, job_id: int, actor: str) -> None:
        self._job_id = job_id
        self._actor = actor
        self.happened = False

    def handle(self, _signal: int, _frame: FrameType | None) -> None:
        if self.happened:
            raise KeyboardInterrupt
        self.happened = True
        # A thread, because the interrupted code may be inside a transaction on this thread's connection.
        threading.Thread(target=self._cancel, name="cancel", daemon=True).start()

    def _cancel(self) -> None:
        try:
            children = SyncJob.objects.filter(parent_id=self._job_id).exclude(IS_FINAL).order_by()
            for job_id in (*children.values_list("pk", flat=True), self._job_id):
                self._cancel_one(job_id)
        finally:
            connections.close_all()

    def _cancel_one(self, job_id: int) -> None:
        try:
            cancel_job(job_id, actor=self._actor, reason="interrupted by Ctrl-C")
        except StatusConflict:
            return  # it has just ended


@contextmanager
def canceling_on_interrupt(job_id: int, actor: str) -> Iterator[Interrupt]:
    """While the block runs a job here, Ctrl-C cancels that job, so that its lease and target are left in order."""
    interrupt = Interrupt(job_id, actor)
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = signal.signal(signal.SIGINT, interrupt.handle)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
