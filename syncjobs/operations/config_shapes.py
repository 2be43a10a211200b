"""What an installation is configured to do, as one document: its connectors, job types and what starts them. No secret.

`config_imports` takes the same document. Only references (`env:NAME`, `file:PATH`) stand for credentials; secrets that
the database keeps are named under `credentials_needed`.
"""

from __future__ import annotations

from typing import Any

from connectors.errors import ConfigError
from connectors.models import Connector
from connectors.references import is_reference
from syncjobs.clock import db_now
from syncjobs.models import Chain, Schedule, SyncJobType, Webhook
from syncjobs.operations.chains import chain_shape
from syncjobs.operations.grants import granted_groups
from syncjobs.operations.schedule_rules import rule_shape
from syncjobs.operations.schedules import rule_of
from syncjobs.operations.webhooks import webhook_shape
from syncjobs.schedule_times import Clocked, Rule

FORMAT = 1
CONNECTOR_FIELDS = ("slug", "name", "kind", "config", "enabled", "max_concurrency", "rate_limit_per_minute")


def describe_configuration() -> dict[str, Any]:
    """The document. Raises ConfigError for credentials that cannot be read, and for rules that are not ours."""
    schedules = Schedule.objects.select_related("job_type", "periodic_task").order_by("periodic_task__name")
    types = SyncJobType.objects.select_related("source_connector", "target_connector").order_by("slug")
    webhooks = Webhook.objects.select_related("job_type").order_by("job_type__slug", "name")
    chains = Chain.objects.select_related("from_type", "to_type").order_by("from_type__slug", "to_type__slug")
    return {
        "syncdeck": FORMAT,
        "connectors": [connector_shape(connector) for connector in Connector.objects.order_by("slug")],
        "job_types": [job_type.snapshot() for job_type in types],
        "schedules": [schedule_shape(schedule) for schedule in schedules if not _is_over(schedule)],
        "webhooks": [webhook_shape(webhook) for webhook in webhooks],
        "chains": [chain_shape(chain) for chain in chains],
    }


def connector_shape(connector: Connector) -> dict[str, Any]:
    """The connector, its credentials as references or as names only."""
    try:
        credentials = connector.credentials.reveal()
    except ConfigError as error:
        raise ConfigError(error.code, f"connector {connector.slug}: {error.message}", hint=error.hint) from error
    references = {name: value for name, value in credentials.items() if is_reference(value)}
    shape: dict[str, Any] = {name: getattr(connector, name) for name in CONNECTOR_FIELDS}
    if references:
        shape["credentials"] = references
    if secret := sorted(credentials.keys() - references.keys()):
        shape["credentials_needed"] = secret
    if groups := granted_groups(connector) if connector.pk else []:
        shape["grants"] = groups
    return shape


def schedule_shape(schedule: Schedule) -> dict[str, Any]:
    """The schedule with its rule: `every` (seconds) and `start`, or `crontab` and `zone`, or `at`."""
    shape = {"name": str(schedule), "job_type": schedule.job_type.slug, **rule_shape(_rule_of(schedule))}
    is_enabled = bool(schedule.periodic_task.enabled)
    return shape | {"enabled": is_enabled, "catch_up": schedule.catch_up, "overrides": schedule.overrides}


def _rule_of(schedule: Schedule) -> Rule:
    try:
        return rule_of(schedule)
    except ValueError as problem:
        raise ConfigError("unknown_rule", str(problem), hint="Delete this schedule, or give it a rule.") from problem


def _is_over(schedule: Schedule) -> bool:
    rule = _rule_of(schedule)
    return isinstance(rule, Clocked) and rule.at <= db_now()
