"""Holds a job that would do more than its type's guards allow, before it does it. Writes nothing but the job's log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from connectors.base import RecordChange
from syncjobs.controllers.base import JobHandle, JobHeld
from syncjobs.models import SyncJob
from syncjobs.statuses import Status
from syncjobs.stream_specs import StreamSpec

SAMPLE = 100  # changes that the log shows of what a held job would do
LEAST_COMPARED = 10  # records of the last run; of a few, half may well go
LOOKED_BACK = 20  # jobs among which the last comparable one is looked for


class GuardedStream(Protocol):
    """What guards ask of a stream."""

    sync_job: JobHandle
    spec: StreamSpec


class GuardDesk:
    """The guards of one stream's job. An approved job passes all of them; a dry run is only told."""

    def __init__(self, stream: GuardedStream) -> None:
        self._stream = stream
        self._job = stream.sync_job.job
        self.guards: dict[str, Any] = self._job.config_snapshot["guards"]

    @property
    def look_at_changes(self) -> bool:
        """Whether all changes must be counted before the first one is made."""
        return "max_changes" in self.guards or "max_change_share" in self.guards

    def check_source(self, read: int, endangered: int, sample: Iterable[RecordChange] = ()) -> None:
        """Raise JobHeld where the source gave too few records; `endangered` ones of the target would go for that.

        Without a guard for it an empty source is too few, and one that has lost half, if any record is endangered.
        """
        least = self.guards.get("min_source_rows")
        if least is None and not read and endangered:
            self._hold(
                f"the source gave no record, so all {endangered:,} of the target would go; if it may be empty, set the"
                " guard min_source_rows of the type to 0",
                sample,
            )
        elif least is not None and read < least:
            self._hold(f"the source gave {read:,} records, fewer than the guard min_source_rows of {least:,}", sample)
        share, last = self.guards.get("min_source_share"), self.last_like_this()
        if least is None and share is None and endangered and last is not None and has_halved(read, last.tally.read):
            self._hold(
                f"the source gave {read:,} records, where job #{last.pk} had read {last.tally.read:,}, and"
                f" {endangered:,} of the target would go; if it may shrink like that, set the guard min_source_share of"
                " the type",
                sample,
            )
        if share is not None and last is not None and read < share * last.tally.read:
            self._hold(
                f"the source gave {read:,} records, where job #{last.pk} had read {last.tally.read:,}: less than the"
                f" share of {share:.4g} that the guard min_source_share asks for",
                sample,
            )

    def check_deletes(self, deletes: int, records: int, sample: Iterable[RecordChange] = ()) -> None:
        """Raise JobHeld where too many of the target's `records` would be deleted."""
        self._check("delete", deletes, records, sample)

    def check_changes(self, changes: int, records: int, sample: Iterable[RecordChange] = ()) -> None:
        """Raise JobHeld where too many records would be inserted, updated or deleted; an empty target has no share."""
        self._check("change", changes, records, sample)

    def _check(self, verb: str, number: int, records: int, sample: Iterable[RecordChange]) -> None:
        most, share = self.guards.get(f"max_{verb}s"), self.guards.get(f"max_{verb}_share")
        if most is not None and number > most:
            self._hold(f"{number:,} records would be {verb}d, more than the guard max_{verb}s of {most:,}", sample)
        elif share is not None and records and number > share * records:
            self._hold(
                f"{number:,} of {records:,} records would be {verb}d, a share of {number / records:.4g}, more than the"
                f" guard max_{verb}_share of {share:.4g}",
                sample,
            )

    def _hold(self, sentence: str, sample: Iterable[RecordChange]) -> None:
        stream, sync_job = self._stream, self._stream.sync_job
        text = f"{stream.spec.target}: {sentence}"
        if sync_job.dry_run:
            sync_job.log("WARNING", f"A real run would be held: {text}")
            return
        if sync_job.is_approved:
            sync_job.log("WARNING", f"Goes on, since a person approved it: {text}")
            return
        shown = [
            {"operation": change.operation, "key": change.key, "fields": change.fields}
            for change, _ in zip(sample, range(SAMPLE), strict=False)
        ]
        counts = self._job.tally
        done = f"; {counts.inserted:,} inserts and {counts.updated:,} updates are written" if counts.changed else ""
        if shown:
            sync_job.log("INFO", "Some of what it would do", sample=shown)
        raise JobHeld(f"{text}{done}")

    def last_like_this(self) -> SyncJob | None:
        """The last real run of the same stream that had the same extent; None for a run over a range of its own."""
        if self._stream.spec.explicit_range is not None:
            return None
        same = SyncJob.objects.filter(
            job_type=self._job.job_type,
            source_document_type=self._job.source_document_type,
            target_document_type=self._job.target_document_type,
            status=Status.FINISHED.value,
            dry_run=False,
        )
        extent = _extent(self._job)
        newest = same.exclude(pk=self._job.pk).order_by("-id")[:LOOKED_BACK]
        return next((job for job in newest if _extent(job) == extent and job.tally.read), None)


def has_halved(read: int, before: int) -> bool:
    """Whether so few records, where there were so many `before`, look like a source that answers with a part."""
    return before >= LEAST_COMPARED and read <= before / 2


def _extent(job: SyncJob) -> list[Any]:
    """What a job reads of its stream."""
    (stream,) = job.config_snapshot["config"]["streams"]
    limits = stream.get("range") or {}
    is_replay = "replay" in job.config_snapshot
    return [
        stream.get("extent", "full"),
        stream.get("filters") or [],
        limits.get("start"),
        limits.get("end"),
        is_replay,
    ]
