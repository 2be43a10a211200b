"""Open rejects as a source of records, so that a replay is a stream sync like any other. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q

from connectors.base import Capabilities, Connector
from connectors.checks import CheckStep
from connectors.errors import ConfigError
from connectors.records import Batch, Field, Filter, ReadRequest, StreamInfo, StreamSchema
from connectors.surroundings import Surroundings
from syncjobs.models import Reject, SchemaSnapshot, SyncJob
from syncjobs.models.rejects import RejectQuerySet
from syncjobs.schema_drift import type_of

REJECT_ID = "_syncdeck_reject"
"""The column of a replay's pages that says which reject a record is of; no mapping reads it."""
LARGEST_PAGE = 5_000  # records, which are as wide as the source made them


def rejects_of_replay(job: SyncJob) -> RejectQuerySet:
    """The open rejects that the job is to replay.

    Where a record was rejected several times, it is the newest of all its rejects, whichever was asked for: an older
    one would bring back what the record was, and is closed with the newest.
    """
    wanted = job.config_snapshot["replay"]
    (stream,) = job.config_snapshot["config"]["streams"]
    of_stream = Reject.objects.waiting().filter(job_type=job.job_type_id, stream=stream["source"])
    asked_for = of_stream.filter(pk__lte=wanted["last_id"])
    if wanted["jobs"] is not None:
        asked_for = asked_for.filter(job__in=wanted["jobs"])
    if wanted["rejects"] is not None:
        asked_for = asked_for.filter(pk__in=wanted["rejects"])
    same_keys = Q(key_hash__in=asked_for.exclude(key_hash=None).order_by().values("key_hash"))
    newer = of_stream.filter(key_hash=OuterRef("key_hash"), pk__gt=OuterRef("pk"))
    return of_stream.filter(Q(pk__in=asked_for.order_by().values("pk")) | same_keys).filter(~Exists(newer))


class RejectSource(Connector):
    """Reads the records of a replay job's rejects, oldest first; a position is the id of the last one."""

    kind = "rejects"
    label = "Rejects"
    capabilities = Capabilities()

    def __init__(self, job: SyncJob, surroundings: Surroundings) -> None:
        super().__init__("rejects", {}, {}, surroundings)
        self._job = job

    @classmethod
    def spec(cls) -> dict[str, Any]:
        return {"config": {"type": "object"}, "credentials": {"type": "object"}}

    def address(self) -> str:
        return "Syncdeck's own database"

    def check(self) -> Iterator[CheckStep]:
        yield CheckStep("Rejects", ok=True, milliseconds=0.0, message=f"{self.count(''):,} to replay")

    def streams(self) -> list[StreamInfo]:
        (stream,) = self._job.config_snapshot["config"]["streams"]
        return [StreamInfo(stream["source"], estimate=self.count(stream["source"]))]

    def schema(self, stream: str) -> StreamSchema:
        """As the source had it when it was last read, less what runs leave out."""
        known = SchemaSnapshot.objects.filter(job_type=self._job.job_type_id, stream=stream, is_accepted=True)
        seen = known.first()
        if seen is None:
            raise ConfigError(
                "no_schema",
                f"{stream}: it is not known which columns the source has",
                hint="Run the job type once; that also writes the records that fit now.",
            )
        columns = {name: word for name, word in seen.fields.items() if name not in seen.ignored}
        return StreamSchema(tuple(Field(name, type_of(word)) for name, word in columns.items()))

    def count(self, stream: str, filters: tuple[Filter, ...] = ()) -> int:
        return rejects_of_replay(self._job).count()

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        """Leaves out, with a warning, what was not kept whole or lacks a column that is needed now."""
        last, left_out = request.position or 0, 0
        columns = request.columns or self.schema(request.stream).names
        names = (*columns, REJECT_ID)
        size = min(request.batch_size, LARGEST_PAGE)
        while page := list(rejects_of_replay(self._job).filter(pk__gt=last).order_by("pk")[:size]):
            last = page[-1].pk
            rows, byte_count = [], 0
            for reject in page:
                values = reject.values
                if reject.is_whole and values.keys() >= set(columns):
                    rows.append((*(values[name] for name in columns), reject.pk))
                    byte_count += len(reject.record)
            left_out += len(page) - len(rows)
            if rows:
                yield Batch(names, rows, last, byte_count)
        if left_out:
            self.surroundings.notify(
                "WARNING",
                f"{left_out:,} rejects cannot be replayed: of their records a column is masked, cut or was never read."
                " They are healed by the next run that writes these records.",
            )

    def close(self) -> None:
        return
