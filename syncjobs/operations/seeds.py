"""Makes the default connectors, job types and schedules, each once. What somebody edited or deleted is left alone."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from connectors.models import Connector
from syncjobs.models import SeededDefault, SyncJobType
from syncjobs.models.job_types import SNAPSHOT_FIELDS
from syncjobs.operations import default_jobs
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Crontab

Kind = SeededDefault.Kind
CONNECTOR_FIELDS = ("name", "kind", "config", "enabled", "max_concurrency", "rate_limit_per_minute")


def seed_defaults(*, actor: str) -> list[str]:
    """Make whatever default was never made here; returns a sentence for each thing done or left out.

    A default of an earlier release is brought up to date, provided that nobody touched it.
    """
    told = [seed_connector(default_jobs.CHICAGO_DATA_PORTAL), seed_connector(warehouse_shape())]
    for shape in default_jobs.JOB_TYPES:
        told.append(seed_job_type(shape, actor=actor))
        if rule := default_jobs.TIMES.get(shape["slug"]):
            told.append(seed_schedule(shape["slug"], rule, actor=actor))
    return [sentence for sentence in told if sentence]


def seed_demo(sandbox_url: str, *, actor: str) -> list[str]:
    """Make the connector `sandbox` and the type `airports`; on later calls change at most the sandbox's address."""
    told = [seed_sandbox(sandbox_url), seed_job_type(default_jobs.AIRPORTS, actor=actor)]
    return [sentence for sentence in told if sentence]


def warehouse_shape() -> dict[str, Any]:
    """The default target: a SQLite file in the data directory, or the PostgreSQL of WAREHOUSE_URL."""
    if not settings.WAREHOUSE_URL:
        return default_jobs.EMBEDDED_WAREHOUSE
    url = urlsplit(settings.WAREHOUSE_URL)
    given = {name: values[-1] for name, values in parse_qs(url.query).items()}
    config: dict[str, Any] = {
        "host": given.get("host") or url.hostname or "localhost",
        "port": url.port or 5432,
        "dbname": unquote(url.path.lstrip("/")),
    }
    if url.username:
        config["user"] = unquote(url.username)
    config |= {name: given[name] for name in ("sslmode", "schema") if name in given}
    shape = default_jobs.EMBEDDED_WAREHOUSE | {"kind": "postgres", "config": config}
    return shape | {"credentials": {"password": unquote(url.password)}} if url.password else shape


# 1. One default each. All return a sentence, or "" where there was nothing to do.


def seed_connector(shape: dict[str, Any]) -> str:
    """Make the connector, or bring it up to date if it is still as it was seeded. Left out if it is not valid here."""
    try:
        with transaction.atomic():
            return _seed_connector(shape)
    except ValidationError as problem:
        return f"Left out the connector {shape['slug']}: {' '.join(problem.messages)}"


def _seed_connector(shape: dict[str, Any]) -> str:
    slug, wanted = shape["slug"], connector_from_shape(shape)
    live, seeded = Connector.objects.filter(slug=slug).first(), find_seeded(Kind.CONNECTOR, slug)
    if seeded is None and live is None:
        _save_connector(wanted)
        return f"Made the connector {slug}."
    if live is None or seeded is None or is_touched(seeded, live.version, connector_digest(live)):
        return ""
    if connector_digest(wanted) == seeded.digest and live.credentials.reveal() == wanted.credentials.reveal():
        return ""
    for name in (*CONNECTOR_FIELDS, "credentials"):
        setattr(live, name, getattr(wanted, name))
    _save_connector(live)
    return f"Brought the connector {slug} up to date."


def _save_connector(connector: Connector) -> None:
    save_connector(connector)
    remember(Kind.CONNECTOR, connector.slug, connector_digest(connector), connector.version)


@transaction.atomic
def seed_sandbox(base_url: str) -> str:
    """Make the connector of the demo's source, or give it its new address; whatever else was edited stays."""
    shape = default_jobs.sandbox_connector(base_url)
    live, seeded = Connector.objects.filter(slug=shape["slug"]).first(), find_seeded(Kind.CONNECTOR, shape["slug"])
    if live is None:
        return seed_connector(shape)
    if seeded is None or live.kind != shape["kind"] or live.config.get("base_url") == base_url:
        return ""
    live.config = live.config | {"base_url": base_url}
    save_connector(live)
    return f"The sandbox is now at {base_url}."


@transaction.atomic
def seed_job_type(shape: dict[str, Any], *, actor: str) -> str:
    """Make the type, or bring it up to date if it is still as it was seeded. Left out without its connectors."""
    slug = shape["slug"]
    live, seeded = SyncJobType.objects.filter(slug=slug).first(), find_seeded(Kind.JOB_TYPE, slug)
    if (live is None) != (seeded is None):
        return ""  # deleted by somebody, or somebody's own
    try:
        wanted = job_type_from_shape(shape)
    except ValidationError as problem:
        return f"Left out the job type {slug}: {' '.join(problem.messages)}"
    if live is None or seeded is None:
        _save_job_type(wanted, actor)
        return f"Made the job type {slug}."
    if is_touched(seeded, live.version, digest(live.snapshot())) or digest(wanted.snapshot()) == seeded.digest:
        return ""
    for name in (*SNAPSHOT_FIELDS, "source_connector", "target_connector"):
        setattr(live, name, getattr(wanted, name))
    _save_job_type(live, actor)
    return f"Brought the job type {slug} up to date."


def _save_job_type(job_type: SyncJobType, actor: str) -> None:
    save_job_type(job_type, actor=actor)
    remember(Kind.JOB_TYPE, job_type.slug, digest(job_type.snapshot()), job_type.version)


@transaction.atomic
def seed_schedule(slug: str, rule: Crontab, *, actor: str) -> str:
    """Make the schedule of a default type, once and for all."""
    job_type = SyncJobType.objects.filter(slug=slug).first()
    if job_type is None or find_seeded(Kind.SCHEDULE, slug) or not find_seeded(Kind.JOB_TYPE, slug):
        return ""
    schedule = save_schedule(job_type=job_type, name=f"{job_type.name}, by default", rule=rule, actor=actor)
    remember(Kind.SCHEDULE, slug, digest(str(rule)), 1)
    return f"Made the schedule '{schedule}'."


# 2. What was seeded.


def find_seeded(kind: Kind, slug: str) -> SeededDefault | None:
    return SeededDefault.objects.filter(kind=kind.value, slug=slug).first()


def remember(kind: Kind, slug: str, content_digest: str, version: int) -> None:
    values = {"digest": content_digest, "version": version}
    SeededDefault.objects.update_or_create(kind=kind.value, slug=slug, defaults=values)


def is_touched(seeded: SeededDefault, version: int, content_digest: str) -> bool:
    """Whether somebody saved the row since it was seeded, or changed it by other means."""
    return version != seeded.version or content_digest != seeded.digest


def connector_digest(connector: Connector) -> str:
    return digest({name: getattr(connector, name) for name in CONNECTOR_FIELDS})


def digest(content: object) -> str:
    """The same for the same JSON content, whatever the order of its names."""
    text = json.dumps(content, sort_keys=True, cls=DjangoJSONEncoder)
    return hashlib.sha256(text.encode()).hexdigest()
