"""How many records the targets of a type hold now. Asks the target; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import ConfigError, Interrupted, SyncError
from connectors.sampling import opened_for
from syncjobs.models import SyncJobType

COUNT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class TargetCount:
    """The records of one stream's target; None where they could not be counted, and then `problem` says why."""

    stream: str
    target: str
    records: int | None
    problem: str = ""


def count_targets(job_type: SyncJobType, *, seconds: float = COUNT_SECONDS) -> list[TargetCount]:
    """One count for each stream of the type. Raises any SyncError where the target cannot be opened or is too slow."""
    if job_type.target_connector is None:
        raise ConfigError("no_connector", f"{job_type.slug} has no target connector", hint="Choose one.")
    streams = job_type.config.get("streams") or []
    counts = []
    with opened_for(job_type.target_connector, seconds, "the number of records") as target:
        for stream in streams:
            name, place = str(stream.get("source", "")), str(stream["target"])
            try:
                counts.append(TargetCount(name, place, target.count(place)))
            except Interrupted:
                raise
            except SyncError as error:
                counts.append(TargetCount(name, place, None, error.message))
    return counts
