"""Every verb that a person, clock or program may ask for, one module a noun. Doors call these and nothing below."""

from syncjobs.operations.enqueueing import enqueue_sync_job
from syncjobs.operations.run_requests import RunRefused

__all__ = ["RunRefused", "enqueue_sync_job"]
