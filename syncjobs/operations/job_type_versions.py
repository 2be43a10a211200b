"""Earlier versions of a type: which there were, and taking one into use again as a new version."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from syncjobs.models import JobTypeVersion, SyncJobType
from syncjobs.operations.entered_types import entered_over
from syncjobs.operations.job_types import save_job_type

KEPT = ("slug", "version", "paused_at", "paused_by", "resume_at")
"""What stays as it is now: the type's name in commands, and whether it is paused."""


def entered_again(job_type: SyncJobType, version: JobTypeVersion) -> SyncJobType:
    """The type with the content of an earlier version, not saved. Raises ValidationError if a connector is gone."""
    shape: dict[str, Any] = {name: value for name, value in version.snapshot.items() if name not in KEPT}
    return entered_over(job_type, shape)


def use_version_again(
    job_type: SyncJobType, version: JobTypeVersion, *, actor: str, user: User | None = None
) -> SyncJobType:
    """Save the content of an earlier version as the next one. Raises what save_job_type does."""
    reason = f"version {version.number} again"
    return save_job_type(entered_again(job_type, version), actor=actor, user=user, reason=reason)
