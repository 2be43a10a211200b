"""Plans: the seal over a dry run's changes, what they follow from, and why one can not be approved or applied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast

from connectors.models import Connector
from syncjobs.models import Change, Plan, SyncJob, SyncJobType

DAYS = 7  # until a plan expires, unless the guard plan_days says otherwise
PAGE, MOST, MOST_LENGTH = 20, 5_000, 4 * 1024**2  # changes read at first, and at most; characters of these
OF_THE_STREAM = ("source", "query", "target", "key", "mode", "columns", "mapping", "filters", "target_schema")
"""Settings of a stream that decide what is written where; the others say how, or when a run stops."""


def find_plan(job_id: int) -> Plan | None:
    """The plan of a dry run, with what it is judged by; None for any other job."""
    connectors = ("job__job_type__source_connector", "job__job_type__target_connector")
    return Plan.objects.select_related(*connectors).filter(job=job_id).first()


def plan_of(job: SyncJob) -> Plan | None:
    """The plan of a job; not asked for again where the job was read `with_plans`."""
    return getattr(job, "plan", None) if SyncJob.plan.is_cached(job) else find_plan(job.pk)


def digest_changes(job_id: int) -> str:
    """The SHA-256 over all changes of a job in their order, as the database spells them."""
    digest = hashlib.sha256()
    for page in _pages_of_changes(job_id):
        for _, *row in page:
            digest.update(_canonical(row))
    return digest.hexdigest()


def _pages_of_changes(job_id: int) -> Iterator[list[tuple[Any, ...]]]:
    """Id, stream, operation and the texts of key and fields: few rows where they are large."""
    texts = {f"{name}_text": Cast(name, TextField()) for name in ("key", "fields")}
    rows = Change.objects.filter(job_id=job_id).order_by("id").annotate(**texts)
    found, size = rows.values_list("id", "stream", "operation", *texts), PAGE
    while page := list(found[:size]):
        yield page
        found = rows.filter(pk__gt=page[-1][0]).values_list("id", "stream", "operation", *texts)
        mean = 1 + sum(len(fields) for *_, fields in page) // len(page)
        size = max(1, min(MOST, size * PAGE, MOST_LENGTH // mean))


def basis_of(job_type: SyncJobType, stream: dict[str, Any]) -> dict[str, str]:
    """A digest of each part of the configuration that a stream's changes follow from, by its name for people."""
    connectors = {"source connector": job_type.source_connector, "target connector": job_type.target_connector}
    masked = job_type.config.get("masked_fields") or []
    parts: dict[str, Any] = {name: _connector(found) for name, found in connectors.items()}
    parts["stream"] = [{name: stream.get(name) for name in OF_THE_STREAM}, sorted(masked), job_type.controller]
    return {name: hashlib.sha256(_canonical(part)).hexdigest() for name, part in parts.items()}


def why_not_applied(plan: Plan, now: datetime) -> str:
    """Why the plan can be neither approved nor applied, after "since"; empty if it can. Reads no change."""
    if plan.state == Plan.State.REFUSED:
        return plan.refusal
    if plan.state == Plan.State.APPLIED:
        return f"it was applied as #{plan.applied_job_id}" if plan.applied_job_id else "it was applied"
    if plan.expires_at <= now:
        return f"it expired on {plan.expires_at:%Y-%m-%d %H:%M} UTC; make a new dry run"
    return why_outdated(plan)


def why_outdated(plan: Plan) -> str:
    """Which part of the configuration is no longer what the plan was made by, after "since"; empty if none."""
    stream = _stream_now(plan.job)
    if stream is None:
        return "its type no longer has this stream; make a new dry run"
    now = basis_of(plan.job.job_type, stream)
    changed = [name for name, digest in now.items() if plan.basis.get(name) != digest]
    return f"the {' and the '.join(changed)} changed since it was made; make a new dry run" if changed else ""


def why_tampered(plan: Plan) -> str:
    """Says that the changes are not those that were sealed, after "since"; empty if they are. Reads all of them."""
    if digest_changes(plan.job_id) == plan.digest:
        return ""
    return "its changes are not those that were sealed; make a new dry run"


def _stream_now(job: SyncJob) -> dict[str, Any] | None:
    """What the job's type says of its stream today."""
    (was,) = job.config_snapshot["config"]["streams"]
    for stream in job.job_type.config.get("streams") or []:
        if (stream.get("source"), stream["target"]) == (was.get("source"), was["target"]):
            return dict(stream)
    return None


def _connector(connector: Connector | None) -> Any:
    return connector and [connector.slug, connector.kind, connector.config]


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
