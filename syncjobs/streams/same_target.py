"""Whether a job that goes on still meets the target that it began to write, which a connector may have left."""

from __future__ import annotations

from dataclasses import replace

from connectors.base import StreamWriter, WriteRequest
from connectors.errors import ConfigError
from connectors.records import Field
from syncjobs.controllers.base import JobHandle
from syncjobs.streams.opening import connector_of
from syncjobs.streams.progress import Progress


def refuse_other_target(sync_job: JobHandle, request: WriteRequest) -> None:
    """Raise ConfigError `other_target`, before anything is made there, where the target knows nothing of this job."""
    before = Progress.from_checkpoint(sync_job.job.checkpoint)
    if not before.batch_no or sync_job.dry_run:
        return
    fields = tuple(Field(*field) for field in before.fields) or request.fields
    as_before = replace(request, fields=fields, add_columns=False, widen=frozenset())
    target = connector_of(sync_job, "target_connector").open(sync_job.surroundings)
    try:
        if not _knows_job(sync_job, target.writer(as_before)):
            batches = "a batch" if before.batch_no == 1 else f"{before.batch_no:,} batches"
            raise ConfigError(
                "other_target",
                f"{request.stream}: {target.address()} knows nothing of this job, which has written {batches}: the"
                f" connector '{target.slug}' now points elsewhere, or what it points to was replaced",
                hint="Set the connector back, then retry; or restart the job, to write everything to the new target.",
            )
    finally:
        target.close()


def _knows_job(sync_job: JobHandle, writer: StreamWriter) -> bool:
    try:
        return writer.begin(str(sync_job.job.token), sync_job.job.fence) is not None
    except ConfigError as error:
        if error.code != "stream_not_found":
            raise
        return False
    finally:
        writer.rollback()
