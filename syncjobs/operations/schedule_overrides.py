"""What a schedule may change for its runs, against the type's own settings, and what is wrong with such changes."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from syncjobs.mapping import ConfigProblems
from syncjobs.models import SyncJobType
from syncjobs.models.job_types import LONGEST_TIMEOUT_SECONDS, MOST_RETRIES
from syncjobs.stream_limiting import limit_streams

KINDS: dict[str, type[Any]] = {
    "endpoints": list,
    "start_date": str,
    "end_date": str,
    "batch_size": int,
    "context": dict,
    "queue": str,
    "timeout": int,
    "retry_delay": int,
    "max_retries": int,
    "priority": int,
    **dict.fromkeys(("dry_run", "verbose_logging", "insert_enabled", "update_enabled", "delete_enabled"), bool),
    "update_without_changes_enabled": bool,
}
WORDS = {list: "a list", str: "text", int: "a whole number", dict: "an object", bool: "true or false"}
LARGEST = {"timeout": LONGEST_TIMEOUT_SECONDS, "retry_delay": 3600, "max_retries": MOST_RETRIES, "priority": 1000}


def overrides_problems(job_type: SyncJobType, overrides: Any) -> list[str]:
    """One sentence for each thing that would keep every run of the schedule from starting."""
    if not isinstance(overrides, dict):
        return ['Overrides are an object, such as {"queue": "long"}.']
    problems = [sentence for name, value in overrides.items() if (sentence := _problem(name, value))]
    if not problems and "streams" in job_type.config:
        limits = (overrides.get(name) for name in ("endpoints", "start_date", "end_date", "batch_size"))
        try:
            limit_streams(job_type.config, *limits)
        except ConfigProblems as error:
            problems = error.problems
    return problems


def _problem(name: str, value: Any) -> str:
    kind = KINDS.get(name)
    if kind is None:
        return f"{name}: is not known; a schedule may set {', '.join(KINDS)}."
    if type(value) is not kind:
        return f"{name}: must be {WORDS[kind]}."
    if kind is int and not 0 <= value <= LARGEST.get(name, value):
        return f"{name}: must be 0 to {LARGEST[name]:,}." if name in LARGEST else f"{name}: must not be negative."
    if name == "queue" and value not in settings.SYNCDECK_QUEUES:
        return f"queue: there is no queue '{value[:60]}'; choose from {', '.join(settings.SYNCDECK_QUEUES)}."
    return ""
