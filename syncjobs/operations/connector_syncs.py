"""Sync now: starts the enabled stream types that read from a connector, those that somebody chose among several."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import QuerySet

from connectors.errors import ConfigError
from connectors.models import Connector
from syncjobs.mapping import ConfigProblems
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.run_requests import RunRefused
from syncjobs.operations.visible import visible_job_types
from syncjobs.statuses import Trigger


class SeveralTypes(RunRefused):
    """Somebody has to choose first; the text names them."""


@dataclass(frozen=True, slots=True)
class ConnectorSync:
    """The jobs that were made, and why some types made none, by slug."""

    jobs: list[SyncJob]
    refused: dict[str, str]


def types_to_sync(connector: Connector) -> QuerySet[SyncJobType, SyncJobType]:
    """The enabled types that read streams from it; those about single documents need one to be named."""
    enabled = visible_job_types().filter(source_connector=connector, enabled=True)
    return enabled.filter(config__has_key="streams").order_by("name", "slug")


def sync_connector(
    connector: Connector,
    chosen: Collection[str] | None = None,
    *,
    trigger: Trigger,
    actor: str,
    user: User | None = None,
    dry_run: bool = False,
) -> ConnectorSync:
    """Start the types with these slugs; None is the only one that there is.

    Raises RunRefused where there is none, where several are and none was chosen, and for a slug that is not among
    them. A type that cannot be started now keeps no other from starting.
    """
    found = {job_type.slug: job_type for job_type in types_to_sync(connector)}
    jobs: list[SyncJob] = []
    refused: dict[str, str] = {}
    for slug in _chosen(connector, found, chosen):
        try:
            jobs.append(run_job_type(found[slug], trigger=trigger, actor=actor, user=user, dry_run=dry_run))
        except (RunRefused, ConfigProblems) as problem:
            refused[slug] = str(problem)
        except ConfigError as problem:
            refused[slug] = " ".join(filter(None, (f"{problem.message}.", problem.hint)))
    return ConnectorSync(jobs, refused)


def _chosen(connector: Connector, found: Collection[str], chosen: Collection[str] | None) -> list[str]:
    names = ", ".join(found)
    if not found:
        raise RunRefused(f"no enabled job type reads a stream from {connector.slug}; make or enable one")
    if chosen is None and len(found) > 1:
        raise SeveralTypes(f"{len(found)} job types read from {connector.slug}; choose which: {names}")
    wanted = list(dict.fromkeys(found if chosen is None else chosen))
    if not wanted:
        raise RunRefused(f"choose at least one job type of {connector.slug}: {names}")
    if unknown := [slug for slug in wanted if slug not in found]:
        told = ", ".join(slug[:100] for slug in unknown)
        raise RunRefused(f"{told} is no enabled job type that reads a stream from {connector.slug}; there are: {names}")
    return wanted
