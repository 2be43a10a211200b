"""What pages say of plans, reversals and conflicts. Reads; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syncjobs.lifecycle import allowed_actions
from syncjobs.lifecycle.kept_changes import is_given_changes
from syncjobs.lifecycle.split_jobs import whole_tally
from syncjobs.models import Conflict, Plan, SyncJob
from syncjobs.operations.plan_descriptions import plan_text
from syncjobs.operations.reverting import reversals_of
from syncjobs.portal.change_facts import Value, field_value
from syncjobs.portal.words import plural, value_text

CONDITION = "A record is left alone, and listed as a conflict, if it is no longer as {whose} it."
CURSOR_STAYS = " The cursor stays where it is: set it back if the next run is to read these records again."


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A plan in a sentence; its notice is quiet unless it waits for a person."""

    sentence: str
    is_waiting: bool
    applied_job: int | None


def plan_facts(job: SyncJob, now: datetime) -> PlanFacts | None:
    """How the plan of a dry run stands; None for jobs that have none."""
    text = plan_text(job, now)
    if not text:
        return None
    is_waiting = not {"approve", "apply"}.isdisjoint(allowed_actions(job))
    return PlanFacts(text, is_waiting, Plan.objects.values_list("applied_job", flat=True).get(job=job))


def applying(job: SyncJob) -> str:
    """What applying the plan of this dry run will do."""
    return f"A new job writes to {job.target_document_type}: {_words(job)}. {CONDITION.format(whose='the plan saw')}"


def reverting(job: SyncJob) -> str:
    """What reverting this job will do."""
    counts = whole_tally(job)
    parts = {"delete": counts.inserted, "set back": counts.updated, "bring back": counts.deleted}
    words = ", ".join(f"{verb} {plural(number, 'record')}" for verb, number in parts.items() if number)
    text = f"A new job will {words} in {job.target_document_type}. {CONDITION.format(whose='this job left')}"
    text += f" It was reverted before, as #{before[0]}." if (before := reversals_of(job)) else ""
    (stream,) = job.config_snapshot["config"]["streams"]
    return text + (CURSOR_STAYS if stream.get("extent") == "incremental" else "")


def _words(job: SyncJob) -> str:
    verbs = {"inserted": "insert", "updated": "update", "deleted": "delete"}
    return ", ".join(f"{plural(number, verbs[name])}" for name, number in job.tally.diff_summary().items())


def has_conflicts(job: SyncJob) -> bool:
    """Whether the job found records that were not as it expected."""
    return bool(job.tally.skipped) and is_given_changes(job.config_snapshot)


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """A conflict as shown."""

    operation: str
    key: str
    reason: str
    fields: list[tuple[str, Value, Value]]
    more: int


def conflict_row(conflict: Conflict, most_fields: int) -> ConflictRow:
    """The conflict with its first fields: name, expected, found."""
    pairs = list(conflict.fields.items())
    return ConflictRow(
        operation=conflict.operation,
        key=", ".join(value_text(value) for value in conflict.key.values()),
        reason=Conflict.Reason(conflict.reason).label,
        fields=[(name, field_value(old), field_value(new)) for name, (old, new) in pairs[:most_fields]],
        more=max(0, len(pairs) - most_fields),
    )
