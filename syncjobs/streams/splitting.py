"""A large stream split by key range into child jobs, and the reversal of one; the parent moves no record itself.

The ranges are noted before the first child is made, so that however often the parent starts anew they are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.errors import ConfigError
from connectors.records import Field, Filter, ReadRequest
from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.crash_points import crash_here
from syncjobs.lifecycle import create_children
from syncjobs.lifecycle.kept_changes import why_not_reverted
from syncjobs.lifecycle.split_jobs import SPLIT, changed_children, is_split
from syncjobs.models import SyncJob
from syncjobs.statuses import Status
from syncjobs.stream_naming import stream_columns
from syncjobs.stream_parsing import parse_streams
from syncjobs.stream_splits import SPLIT_TYPES, key_ranges
from syncjobs.streams.estimating import estimate_records
from syncjobs.streams.opening import OpenStream, open_stream
from syncjobs.streams.patience import Patience, outlive_faults


def split_stream(sync_job: JobHandle) -> Outcome | None:
    """Make a child job for each range; None where this job is to sync its stream itself.

    Raises ConfigError `split_not_possible` where the source's key is none to split by.
    """
    job = sync_job.job
    (spec,) = parse_streams(sync_job.config)
    if spec.split is None or sync_job.dry_run or "replay" in job.config_snapshot:
        return None
    if not job.checkpoint:
        outlive_faults(sync_job, _note_ranges)
    ranges = job.checkpoint.get(SPLIT, {}).get("ranges")
    if not ranges:
        return None
    number = create_children(job, _children(job), db_now())
    sync_job.log("INFO", f"Made {number} child jobs, one for each range of the key")
    return Outcome(Status.RELAYED, f"{number} child jobs do the work")


def prepare_target(stream: OpenStream) -> bool:
    """Prepare the target; whether it holds no record that this run, or its part of it, could meet there."""
    is_empty = stream.writer.prepare()
    split = stream.sync_job.job.config_snapshot.get(SPLIT)
    if is_empty or split is None or not split["target_was_empty"]:
        return is_empty
    return _is_range_empty(stream, [Filter(one["field"], one["op"], one["value"]) for one in split["range"]])


def relay_reversal(sync_job: JobHandle) -> Outcome | None:
    """Make a child job for each child to revert; None where the job to revert was not split."""
    job = sync_job.job
    reverted = SyncJob.objects.filter(pk=job.config_snapshot.get("revert", {}).get("job")).first()
    if reverted is None or not is_split(reverted):
        return None
    if reason := why_not_reverted(reverted):
        text = f"job #{reverted.pk} can not be reverted, since {reason}"
        raise ConfigError("changes_refused", text, hint="Nothing was written. Look at that job.")
    number = create_children(job, _reversals(job, reverted), db_now())
    return Outcome(Status.RELAYED, f"{number} child jobs bring back what the children of #{reverted.pk} changed")


# 1. The ranges.


def _note_ranges(sync_job: JobHandle, patience: Patience) -> Outcome:
    with open_stream(sync_job, patience) as stream:
        spec, field = stream.spec, _split_field(stream)
        parts = spec.split.parts(estimate_records(stream)) if spec.split else 1
        bounds = stream.source.bounds(spec.source, field.name, parts, stream.request.filters) if parts > 1 else []
        is_empty = bool(bounds) and stream.writer.prepare()
    if not bounds:
        sync_job.log("INFO", f"{spec.source} has too few records to be split: this job syncs it itself")
    ranges = key_ranges(field.name, bounds, nullable=field.nullable) if bounds else []
    sync_job.save_progress(checkpoint={SPLIT: {"ranges": ranges, "target_was_empty": is_empty}})
    return Outcome(Status.RELAYED)


def _split_field(stream: OpenStream) -> Field:
    """The source's column that the key begins with."""
    spec = stream.spec
    field = stream.schema.get(spec.source_key[0])
    if field is None or field.type not in SPLIT_TYPES or not stream.mapper.keeps_values(spec.key[0]):
        found = "is not there" if field is None else f"is of type {field.type}"
        raise ConfigError(
            "split_not_possible",
            f"{spec.source}: its key begins with {spec.source_key[0]}, which {found}; ranges need a column of type"
            f" {', '.join(SPLIT_TYPES)} that the target gets as it is",
            hint="Begin the key with such a column, or leave split out.",
        )
    return field


def _is_range_empty(stream: OpenStream, filters: list[Filter]) -> bool:
    """Whether the target, which was empty when the parent looked, has no record in the child's range by now."""
    spec = stream.spec
    wanted, there = stream.schema.get(spec.source_key[0]), stream.target.schema(spec.target).get(spec.key[0])
    if wanted is None or there is None or wanted.type != there.type:
        return False  # the target may order otherwise
    own = tuple(Filter(spec.key[0], one.operator, one.value) for one in filters)
    request = ReadRequest(spec.target, columns=spec.key, key=spec.key, filters=own, batch_size=1)
    return next(iter(stream.target.read(request)), None) is None


# 2. The children. They hold the target together.


def _children(parent: SyncJob) -> Iterator[dict[str, Any]]:
    noted, (stream,) = parent.checkpoint[SPLIT], parent.config_snapshot["config"]["streams"]
    ranges = noted["ranges"]
    for number, own in enumerate(ranges, start=1):
        part = {name: value for name, value in stream.items() if name != "split"}
        part["filters"] = [*(stream.get("filters") or ()), *own]
        config = parent.config_snapshot["config"] | {"streams": [part]}
        split = {"range": own, "target_was_empty": noted["target_was_empty"]}
        snapshot = parent.config_snapshot | {"config": config, SPLIT: split}
        title = f"{parent.title[:270]}, part {number} of {len(ranges)}"
        yield _sharing_target(snapshot) | {"title": title, "context": parent.context}
        crash_here("mid_relay")


def _reversals(parent: SyncJob, reverted: SyncJob) -> Iterator[dict[str, Any]]:
    for child in changed_children(reverted):
        config = {"config": child.config_snapshot["config"], "revert": {"job": child.pk}}
        kept = max(parent.config_snapshot["changes_kept"], child.tally.changed)
        columns = _sharing_target(parent.config_snapshot | config | {"changes_kept": kept})
        yield columns | {"title": f"Revert of #{child.pk}: {child.title}"}
        crash_here("mid_relay")


def _sharing_target(snapshot: dict[str, Any]) -> dict[str, Any]:
    columns = stream_columns(snapshot)
    return columns | {"config_snapshot": snapshot, "concurrency_key": "", "sibling_key": columns["concurrency_key"]}
