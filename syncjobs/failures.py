"""What an attempt's end is told as: an error of ours for whatever was raised, with a sentence and the way out."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError

from connectors.errors import InternalError, SyncError, TransientError
from syncjobs.database_failures import database_failure
from syncjobs.running import RunningJob


class ControllerFailure(InternalError):
    """A controller raised something that Syncdeck does not know: it may well be the network, so it is tried again."""

    retryable = True


def timed_out(running: RunningJob) -> TransientError:
    """The end by the job's own time limit, and where that was."""
    checkpoint = running.job.checkpoint
    where = ""
    if "streams" in running.job.config_snapshot["config"]:
        where = f" at batch {checkpoint['batch_no'] + 1}" if checkpoint.get("batch_no") else " before its first batch"
        where += f", {running.job.tally.read:,} records committed"
    return TransientError(
        "timeout",
        f"timed out after {running.job.timeout} s{where}",
        hint="Retry goes on from the checkpoint; give the type a longer timeout if it needs one.",
    )


def failure_of(error: BaseException, running: RunningJob) -> SyncError:
    """Itself, where it is an error of connectors; else what became of the database or the controller."""
    if isinstance(error, SyncError):
        return error
    if isinstance(error, (DatabaseError, InterfaceError)):
        return database_failure(error)
    message = f"{running.job.config_snapshot['controller']}: {type(error).__name__}: {error}"
    failure = ControllerFailure if isinstance(error, Exception) else InternalError
    return failure("controller_bug", message, hint="The traceback below says where.")
