"""`type versions`, `use-version`, `enable` and `disable`: what a type was, and switching it. Asks operations."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from syncjobs.management.identities import find_type, terminal_user
from syncjobs.management.job_texts import moment_text, shown, table_lines
from syncjobs.management.terminal import NOT_FOUND, Terminal
from syncjobs.models import JobTypeVersion, SyncJobType
from syncjobs.operations.job_type_differences import Difference, list_differences
from syncjobs.operations.job_type_states import set_job_type_enabled
from syncjobs.operations.job_type_versions import use_version_again
from syncjobs.operations.type_descriptions import describe_difference, describe_version

HEADING = ("VERSION", "WHEN", "BY", "WHAT DIFFERED")
MOST_VERSIONS = 50


def show_versions(terminal: Terminal, *, job_type: str, as_json: bool, **_general: Any) -> None:
    """The newest versions with what differed from the one before."""
    found = find_type(job_type)
    versions = list(JobTypeVersion.objects.filter(job_type=found)[: MOST_VERSIONS + 1])
    befores = [*versions[1:], None]
    told = [(one, _differences(one, before)) for one, before in zip(versions, befores, strict=True)][:MOST_VERSIONS]
    if as_json:
        shapes = [
            describe_version(one) | {"differences": [describe_difference(difference) for difference in differences]}
            for one, differences in told
        ]
        terminal.write_json({"type": found.slug, "versions": shapes})
        return
    rows = [
        (str(one.number), moment_text(one.created_at), one.created_by, "; ".join(map(_words, differences)))
        for one, differences in told
    ]
    terminal.write("\n".join(table_lines(HEADING, rows)))


def use_version(terminal: Terminal, *, job_type: str, number: int, as_json: bool, **_general: Any) -> None:
    """Save the content of an earlier version as the next one."""
    found = find_type(job_type)
    version = JobTypeVersion.objects.filter(job_type=found, number=number).first()
    if version is None:
        raise CommandError(f"{found.slug} has no version {number}.", returncode=NOT_FOUND)
    saved = use_version_again(found, version, actor=terminal_user())
    _tell(terminal, saved, f"Type {saved.slug} is saved as version {saved.version}, as in {number}.", as_json=as_json)


def switch(terminal: Terminal, *, action: str, job_type: str, as_json: bool, **_general: Any) -> None:
    """Let schedules, hooks, webhooks and chains start the type, or no longer."""
    is_on = action == "enable"
    saved = set_job_type_enabled(find_type(job_type), is_on, actor=terminal_user())
    words = "is enabled: it runs when due" if is_on else "is disabled: only people, commands and the API start it"
    _tell(terminal, saved, f"Type {saved.slug} {words}.", as_json=as_json)


def _tell(terminal: Terminal, job_type: SyncJobType, words: str, *, as_json: bool) -> None:
    if as_json:
        terminal.write_json({"type": job_type.slug, "version": job_type.version, "enabled": job_type.enabled})
    else:
        terminal.write(words)


def _differences(version: JobTypeVersion, before: JobTypeVersion | None) -> list[Difference]:
    return list_differences(before.snapshot, version.snapshot) if before else []


def _words(difference: Difference) -> str:
    return f"{difference.path}: {shown(difference.old)} → {shown(difference.new)}"
