"""Counts what a whole run would change, by reading all of the source once. Writes nothing, and is not resumed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice

from connectors.asides import AsideWriter
from connectors.base import RecordChange, TargetCheckpoint
from connectors.errors import InternalError
from connectors.records import Filter
from syncjobs.statuses import Phase
from syncjobs.streams.guards import SAMPLE
from syncjobs.streams.limits import ReadLimits
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress
from syncjobs.streams.records_in import map_page


@dataclass(slots=True)
class Changes:
    """What a run would do: `written` records are new or differ; of the target's `records`, `missing` were not read."""

    read: int
    written: int
    records: int
    missing: int
    sample: list[RecordChange]


def count_changes(stream: OpenStream, filters: tuple[Filter, ...]) -> Changes:
    """Compare every record, on a connection of its own that can not write; `filters` are on the target's fields."""
    found = Changes(0, 0, 0, 0, [])
    sync_job = stream.sync_job
    token, fence = str(sync_job.job.token), sync_job.job.fence
    with closing(stream.open_target(sync_job.surroundings)) as target:
        writer = target.writer(replace(stream.write_request, dry_run=True, keep_insert_values=True))
        if not isinstance(writer, AsideWriter):
            raise InternalError("no_asides", f"{stream.spec.target}: its connector can not compare a whole run")
        writer.prepare()
        writer.open_aside("seen", token, anew=True)
        for batch in ReadLimits(stream).watch(stream.source.read(stream.request), Progress()):
            sync_job.raise_if_stopped()
            writer.begin(token, fence)
            writer.stage(map_page(stream, batch).rows)
            comparison = writer.compare()
            found.read += len(batch.rows)
            found.written += comparison.inserted + comparison.updated
            if len(found.sample) < SAMPLE:
                found.sample += islice(writer.changes(), SAMPLE - len(found.sample))
            writer.remember_keys()
            writer.commit(TargetCheckpoint(0, None, {}))
        scope = writer.scope(filters)
        writer.rollback()
    found.records, found.missing = scope.records, scope.missing
    sync_job.log("INFO", f"Compared {found.read:,} records: {found.written:,} differ, {found.missing:,} are missing")
    sync_job.set_phase(Phase.READING)
    return found
