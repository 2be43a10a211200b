"""For tests of controllers: runs jobs in the calling process through the real code, and fails them on purpose."""

from syncjobs.testing.runs import FinishedRun, finish_sync_job, run_sync_job

__all__ = ["FinishedRun", "finish_sync_job", "run_sync_job"]
