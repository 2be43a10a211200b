"""What a job that applies a plan or reverts another job is to do: whose changes, and which way round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from connectors.base import Operation, RecordChange
from connectors.errors import ConfigError
from syncjobs.counts import Counts
from syncjobs.lifecycle.kept_changes import why_not_reverted
from syncjobs.lifecycle.plans import find_plan, why_outdated, why_tampered
from syncjobs.models import Change, JobBatch, SyncJob

Changes = QuerySet[Change, Change]
FEW, MOST_LENGTH = 20, 16 * 1024**2  # changes read at once; characters of a page
FORTH: dict[str, Operation] = {"insert": "insert", "update": "update", "delete": "delete"}
BACK: dict[str, Operation] = {"insert": "delete", "update": "update", "delete": "insert"}


@dataclass(frozen=True, slots=True)
class ChangeOrder:
    """The changes of `job` in their order, or the inverse of each from the last to the first.

    `open_batch` is one that the job left open and the target has all the same.
    """

    job: SyncJob
    is_reversal: bool
    open_batch: JobBatch | None = None

    @property
    def counts(self) -> Counts:
        """What would be done if nothing had moved."""
        done = self.job.tally
        if self.open_batch is not None:
            done += Counts.from_dict(self.open_batch.counts)
        if self.is_reversal:
            return Counts(inserted=done.deleted, updated=done.updated, deleted=done.inserted)
        return Counts(inserted=done.inserted, updated=done.updated, deleted=done.deleted)

    def pages(self, after: int | None, size: int) -> Iterator[list[Change]]:
        """The changes behind the one with that id, at most `size` at a time and fewer where they are large.

        No key is twice in a page.
        """
        while True:
            page: list[Change] = []
            hashes: set[int] = set()
            length = 0
            for change in self._rows(after)[:size].iterator(FEW):
                if change.key_hash in hashes or length > MOST_LENGTH:
                    break
                hashes.add(change.key_hash)
                page.append(change)
                length += _length(change)
            if not page:
                return
            yield page
            after = page[-1].pk

    def _rows(self, after: int | None) -> Changes:
        left_open = JobBatch.objects.filter(job=self.job, state=JobBatch.State.OPEN)
        if self.open_batch is not None:
            left_open = left_open.exclude(pk=self.open_batch.pk)
        rows = Change.objects.filter(job=self.job).exclude(batch_id__in=list(left_open.values_list("pk", flat=True)))
        if self.is_reversal:
            return (rows if after is None else rows.filter(pk__lt=after)).order_by("-pk")
        return (rows if after is None else rows.filter(pk__gt=after)).order_by("pk")

    def wanted(self, change: Change, whole_record: Sequence[str]) -> RecordChange:
        """The change to be made. An insert and a delete speak of empty fields, too.

        Of a delete these are all that the target has, since the job kept the whole record.
        """
        fields = change.fields
        if change.operation != "update":
            given = [name for name, *_ in self.job.checkpoint["fields"]]
            names = given if change.operation == "insert" else whole_record
            fields = {name: fields.get(name, [None, None]) for name in dict.fromkeys((*names, *fields))}
        if not self.is_reversal:
            return RecordChange(FORTH[change.operation], change.key, fields)
        return RecordChange(BACK[change.operation], change.key, {name: pair[::-1] for name, pair in fields.items()})


def _length(change: Change) -> int:
    return sum(len(value) for pair in change.fields.values() for value in pair if isinstance(value, str))


def find_order(job: SyncJob) -> ChangeOrder:
    """What the job was made for. Raises ConfigError where that must not be done any more."""
    return _find_reversal(job) if "revert" in job.config_snapshot else _find_plan(job)


def _find_plan(job: SyncJob) -> ChangeOrder:
    number = job.config_snapshot["plan"]["job"]
    plan = find_plan(number)
    if plan is None:
        raise _refusal(f"the plan of #{number} is gone")
    if plan.applied_job_id != job.pk:
        raise _refusal(f"the plan of #{number} belongs to another job, #{plan.applied_job_id}")
    if reason := why_outdated(plan) or why_tampered(plan):
        raise _refusal(f"the plan of #{number} is not applied, since {reason}")
    return ChangeOrder(plan.job, is_reversal=False)


def _find_reversal(job: SyncJob) -> ChangeOrder:
    number = job.config_snapshot["revert"]["job"]
    reverted = SyncJob.objects.filter(pk=number).first()
    if reverted is None:
        raise _refusal(f"job #{number} is gone, and with it what it changed")
    if reason := why_not_reverted(reverted):
        raise _refusal(f"job #{number} can not be reverted, since {reason}")
    return ChangeOrder(reverted, is_reversal=True)


def _refusal(message: str) -> ConfigError:
    return ConfigError("changes_refused", message, hint="Nothing was written. Look at that job, or make a new dry run.")
