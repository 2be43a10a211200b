"""What people have configured: connectors, controllers, job types and schedules that cannot work as they are."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import ValidationError

from connectors.errors import ConfigError
from connectors.models import Connector
from syncjobs.clock import db_now
from syncjobs.management.diagnosis.findings import Finding
from syncjobs.models import Schedule, SyncJobType
from syncjobs.operations.key_rotation import rotate_keys
from syncjobs.operations.schedules import rule_of
from syncjobs.schedule_times import rule_warnings


def examine_credentials() -> Iterator[Finding]:
    try:
        found = rotate_keys(only_check=True)
    except ConfigError:  # told by examine_keys
        return
    for name, problem in found.unreadable.items():
        message, _, fix = problem.partition(". ")
        yield Finding("credentials", "problem", f"{name}: {message}", fix)
    if found.outdated:
        yield Finding(
            "credentials", "warning", f"{found.outdated} of them need an older key", "Run: manage.py rotate_keys"
        )


def examine_connectors() -> Iterator[Finding]:
    """Their settings, and how their last test ended."""
    for connector in Connector.objects.enabled():
        try:
            connector.full_clean()
        except ValidationError as problem:
            fix = f"Mend it on its page, or with export_config and import_config: {connector.slug}"
            yield Finding("connectors", "problem", f"{connector.slug}: {' '.join(problem.messages)}", fix)
            continue
        if connector.last_test_ok is False:
            told = f"{connector.slug} does not work: {connector.last_test_message}"
            yield Finding("connectors", "problem", told, f"Run: manage.py connector test {connector.slug}")


def examine_job_types() -> Iterator[Finding]:
    for job_type in SyncJobType.objects.select_related("source_connector", "target_connector"):
        try:
            job_type.full_clean()
        except ValidationError as problem:
            told = f"{job_type.slug}: {' '.join(problem.messages)}"
            yield Finding("job types", "problem", told, "Mend it on its page; until then its runs fail.")


def examine_schedules() -> Iterator[Finding]:
    now = db_now()
    for schedule in Schedule.objects.select_related("job_type", "periodic_task"):
        if schedule.paused_reason:
            told = f"'{schedule}' has paused itself: {schedule.paused_reason}"
            yield Finding("schedules", "problem", told, "Mend the cause, then switch it on again.")
            continue
        try:
            warnings = rule_warnings(rule_of(schedule), now) if schedule.periodic_task.enabled else []
        except ValueError as problem:
            warnings = [str(problem)]
        for warning in warnings:
            yield Finding("schedules", "warning", f"'{schedule}': {warning}", "Change its rule.")
