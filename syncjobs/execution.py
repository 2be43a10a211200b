"""Claims one job, runs its controller, and writes down how that ended. The only caller of controllers."""

from __future__ import annotations

import logging
import os
import random
import time
import traceback
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DatabaseError, IntegrityError, InterfaceError, connections

from connectors.base import FenceLost
from connectors.errors import InternalError, Interrupted, RateLimitedError, SyncError
from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHeld, Outcome
from syncjobs.controllers.registry import get_controller
from syncjobs.crash_points import crash_here
from syncjobs.failures import failure_of, timed_out
from syncjobs.lifecycle import StatusConflict, claim_job, end_attempt, fail_attempt, release_job
from syncjobs.log_context import bind
from syncjobs.models import SyncJob
from syncjobs.own_statements import stoppable_statements, undo_transaction
from syncjobs.retries import was_told_to_quit
from syncjobs.running import RunningJob
from syncjobs.statuses import Status
from syncjobs.texts import storable_text
from syncjobs.watcher import Watcher

logger = logging.getLogger("syncjobs.jobs")

T = TypeVar("T")
PATIENCE_SECONDS = 25.0  # how long the end of an attempt waits for Syncdeck's own database
_watchers: dict[int, Watcher] = {}


def run_job(
    job_id: int,
    dispatch_id: uuid.UUID,
    worker: str,
    shutdown_requested: Callable[[], bool] = lambda: False,
    when_long: Callable[[], None] = lambda: None,
) -> SyncJob | None:
    """Claim the job and run it to an end; None if the message was stale, so that there was nothing to do.

    `when_long` is called by the watcher, again and again, as soon as the job has been running for a second.
    """
    job = while_unreachable(lambda: claim_job(job_id, dispatch_id, worker))
    if job is None:
        logger.info("Nothing to claim: the message is stale or another worker has it", extra={"sync_id": job_id})
        return None
    crash_here("after_claim")
    running = RunningJob(job)
    with bind(sync_id=job.pk, attempt=job.attempt):
        try:
            with _watcher(shutdown_requested).watching(running, when_long):
                ended = _attempt(running, shutdown_requested)
        finally:
            running.documents.close()
            _close_log(running)
    return ended


def _watcher(shutdown_requested: Callable[[], bool]) -> Watcher:
    process = os.getpid()  # a watcher does not survive the fork of a pool process
    if process not in _watchers:
        _watchers[process] = Watcher(shutdown_requested, _end_by_force)
        _watchers[process].start()
    return _watchers[process]


def _attempt(running: RunningJob, shutdown_requested: Callable[[], bool]) -> SyncJob | None:
    running.log("INFO", f"Started job #{running.job.pk} {running.job.title}, attempt {running.job.attempt}")
    try:
        outcome = _outcome(running)
        if not outcome.is_written:
            _write_end(running, lambda: running.end(outcome))
        _tell_end(running)
        _call_afterwards(running, outcome)
        return running.ended
    except (FenceLost, StatusConflict) as error:
        _give_way(running, str(error) or "a newer attempt has taken the target")
        return None
    except JobHeld as held:
        return _hold(running, str(held))
    except Interrupted:
        return _write_end(running, lambda: _end_stopped(running, running.stop_reason))
    except BaseException as error:  # whatever a controller does, sys.exit included, is told and not lost
        if shutdown_requested() and was_told_to_quit(error):
            return _write_end(running, lambda: _end_stopped(running, "shutdown"))
        if running.interruption.is_requested:  # what we interrupted may well complain in words of its own
            return _write_end(running, lambda: _end_stopped(running, running.stop_reason))
        failure = (failure_of(error, running), "".join(traceback.format_exception(error)))
        return _write_end(running, lambda: _end_failed(running, *failure))


def _outcome(running: RunningJob) -> Outcome:
    name = running.job.config_snapshot["controller"]
    with stoppable_statements(running.own_connection, running.interruption):
        controller, source_doc = get_controller(name), running.get_source_document()
        crash_here("after_read")
        outcome: object = controller.execute(running, source_doc)
    if not isinstance(outcome, Outcome):
        raise InternalError(
            "controller_contract",
            f"{name}: execute must return an Outcome, got {type(outcome).__name__}",
            hint="Return syncjobs.controllers.base.Outcome() at its end.",
        )
    return outcome


def _hold(running: RunningJob, reason: str) -> SyncJob | None:
    _write_end(running, lambda: running.end(Outcome(Status.HELD, reason or "the controller asks a person to decide")))
    _tell_end(running)
    return running.ended


def _tell_end(running: RunningJob) -> None:
    if running.ended is not None:
        running.confirm_end()


def _call_afterwards(running: RunningJob, outcome: Outcome) -> None:
    """Let the controller do what comes after the commit; the job has ended, whatever becomes of this."""
    if running.ended is None or outcome.afterwards is None:
        return
    running.has_ended = True
    try:
        outcome.afterwards()
    except (Exception, SystemExit) as error:  # the author's code; the sync itself is done
        running.log("ERROR", f"The hook finished failed after the end: {type(error).__name__}: {error}")


def _end_stopped(running: RunningJob, reason: str) -> SyncJob | None:
    """An end that was asked for: by a person, the clock, a shutdown, or because the lease went to somebody else."""
    job, now = running.job, db_now()
    if reason == "cancel":
        text = SyncJob.objects.values_list("cancel_reason", flat=True).get(pk=job.pk) or "canceled"
        running.log("WARNING", f"Canceled: {text}")
        return end_attempt(job, Status.CANCELED, reason=text, now=now, **running.ending())
    if reason == "pause":
        running.log("INFO", "Paused; the position is kept")
        return end_attempt(job, Status.PAUSED, reason="paused", now=now, **running.ending())
    if reason == "shutdown":
        running.log("INFO", "The worker shuts down; the job goes back to the queue and goes on from its checkpoint")
        return release_job(job, reason="worker shutdown", now=now, **running.ending())
    if reason == "timeout":
        return _end_failed(running, timed_out(running), "")
    _give_way(running, "the lease went to another worker, or the job was ended")
    return None


def _end_failed(running: RunningJob, error: SyncError, trace: str) -> SyncJob:
    failure: dict[str, Any] = error.as_failure()
    for name in ("message", "hint"):
        failure[name] = running.without_masked(storable_text(failure[name]))
    running.log("ERROR", f"{failure['message']} ({failure['class']}, {failure['code']})")
    ended = fail_attempt(
        running.job,
        failure,
        now=db_now(),
        made_progress=running.made_progress,
        retry_after_seconds=error.retry_after if isinstance(error, RateLimitedError) else None,
        random_fraction=random.random(),  # noqa: S311 - spreads retries, protects nothing
        error_message=running.without_masked(storable_text(trace)),
        **running.ending(),
    )
    if ended.retry_after:
        running.log("INFO", f"Retry {ended.retry_count} of {ended.max_retries} at {ended.retry_after:%H:%M:%S}")
    return ended


def _give_way(running: RunningJob, reason: str) -> None:
    running.log("WARNING", f"Stopped without writing more: {reason}")


def _write_end(running: RunningJob, write: Callable[[], T]) -> T | None:
    try:
        return while_unreachable(write)
    except StatusConflict as conflict:
        _give_way(running, str(conflict))
    except SyncJob.DoesNotExist:
        _give_way(running, "the job was deleted")
    return None


def while_unreachable(action: Callable[[], T]) -> T:
    """Do something in Syncdeck's own database; while that cannot be reached, try again with a fresh connection."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    delay = 0.2
    while True:
        try:
            return action()
        except IntegrityError:
            raise  # it was reached, and says no; it will not say yes later
        except (DatabaseError, InterfaceError):
            if time.monotonic() + delay > give_up:
                raise
            connections.close_all()
            time.sleep(delay)
            delay = min(delay * 2, 5)


def _close_log(running: RunningJob) -> None:
    try:
        while_unreachable(running.buffer.close)
    except (DatabaseError, InterfaceError):
        logger.exception("The last log lines could not be kept in the database", extra={"sync_id": running.job.pk})


def _end_by_force(running: RunningJob) -> None:
    """The job did not stop when asked: write its end, fenced, and end the process with whatever hangs in it."""
    running.log("ERROR", f"Did not stop within the grace after '{running.stop_reason}'; the process is ended")
    try:
        undo_transaction(running.own_connection)
        if _write_end(running, lambda: _end_stopped(running, running.stop_reason)) is not None:
            _close_log(running)
    finally:
        os._exit(70)
