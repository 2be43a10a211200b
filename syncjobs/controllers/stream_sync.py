"""The built-in stream sync: one stream is synced in place, several become a child job each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from connectors.base import Capabilities
from connectors.errors import ConfigError
from connectors.registry import connector_class
from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.crash_points import crash_here
from syncjobs.lifecycle import create_children
from syncjobs.lifecycle.kept_changes import is_given_changes
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.statuses import Status
from syncjobs.stream_naming import child_snapshots, stream_columns
from syncjobs.stream_parsing import guard_problems, parse_streams
from syncjobs.stream_sources import ring_problems
from syncjobs.stream_specs import Mode, SpecProblems, StreamSpec
from syncjobs.streams.applying import apply_changes
from syncjobs.streams.sealing import seal_plan
from syncjobs.streams.splitting import relay_reversal, split_stream
from syncjobs.streams.syncing import sync_stream


class StreamSync:
    """A bypass-mode controller that needs no code: all it does is in the type's config."""

    name = "stream_sync"

    def type_problems(self, job_type: SyncJobType) -> dict[str, list[str]]:
        problems: dict[str, list[str]] = {}
        specs: tuple[StreamSpec, ...] = ()
        try:
            specs = parse_streams(job_type.config)
        except SpecProblems as error:
            problems["config"] = error.problems
        if found := guard_problems(job_type.guards):
            problems["guards"] = found
        for field in ("source_connector", "target_connector"):
            if getattr(job_type, field) is None:
                problems[field] = ["A stream sync needs this connector."]
        source, target = job_type.source_connector, job_type.target_connector
        modes = {spec.mode for spec in specs}
        if source == target and (rings := ring_problems(specs)):
            problems["config"] = rings
        if source is not None and (refusal := _why_not_read_so(source.kind, specs)):
            problems["source_connector"] = [refusal]
        if target is not None and (refusal := _why_not_written(target.kind) or _why_not_in_mode(target.kind, modes)):
            problems["target_connector"] = [refusal]
        elif target is not None and any(spec.split for spec in specs) and not _can(target.kind).writes_beside:
            text = f"Connectors of kind '{target.kind}' take one writer at a time; leave split out."
            problems["target_connector"] = [text]
        return problems

    def execute(self, sync_job: JobHandle, source_doc: Any) -> Outcome:
        """Sync the stream, apply or revert given changes of it, or relay."""
        if is_given_changes(sync_job.job.config_snapshot):
            return relay_reversal(sync_job) or apply_changes(sync_job)
        if len(sync_job.config["streams"]) == 1:
            outcome = split_stream(sync_job) or sync_stream(sync_job)
            if sync_job.dry_run:
                seal_plan(sync_job)
            return outcome
        number = create_children(sync_job.job, _children(sync_job.job), db_now())
        sync_job.log("INFO", f"Made {number} child jobs, one for each stream")
        return Outcome(Status.RELAYED, f"{number} child jobs do the work")


def _why_not_written(kind: str) -> str:
    """Why connectors of a kind cannot be a target; empty if they can."""
    try:
        found = connector_class(kind)
    except ConfigError as error:
        return f"{error.message}. {error.hint}"
    if found.capabilities.writes:
        return ""
    return f"Connectors of kind '{kind}' can only be read from; choose another target."


def _why_not_read_so(kind: str, specs: Iterable[StreamSpec]) -> str:
    """Why connectors of a kind cannot be read by a cursor, a query or in ranges; empty if they can, or need not."""
    try:
        can = connector_class(kind).capabilities
    except ConfigError as error:
        return f"{error.message}. {error.hint}"
    if not can.reads_by_cursor and any(spec.is_incremental for spec in specs):
        return f"Connectors of kind '{kind}' can not be read in extent incremental; use full or window."
    if not can.queries and any(spec.query is not None for spec in specs):
        return f"Connectors of kind '{kind}' can not run a custom query; leave query out."
    if not can.queries and any(spec.partition for spec in specs):
        return f"Connectors of kind '{kind}' can not be read in ranges; leave partition out."
    if not can.splits and any(spec.split for spec in specs):
        return f"Connectors of kind '{kind}' do not tell where ranges of a key end; leave split out."
    return ""


def _why_not_in_mode(kind: str, modes: set[Mode]) -> str:
    """Why connectors of a kind, which can be written to, cannot be in one of these modes; empty if they can."""
    wanted = modes & {"mirror", "replace"}
    if not wanted or connector_class(kind).capabilities.replaces:
        return ""
    return f"Connectors of kind '{kind}' can not be the target of mode {min(wanted)}; use upsert or append."


def _can(kind: str) -> Capabilities:
    return connector_class(kind).capabilities


def _children(parent: SyncJob) -> Iterator[dict[str, Any]]:
    for snapshot in child_snapshots(parent.config_snapshot):
        columns = stream_columns(snapshot)
        if parent.dry_run:
            columns["concurrency_key"] = ""
        yield columns | {"config_snapshot": snapshot, "context": parent.context}
        crash_here("mid_relay")
