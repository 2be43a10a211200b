"""Rows for tests of the lifecycle: types and jobs in whatever state."""

from __future__ import annotations

from typing import Any

import factory
from django.utils import timezone

from connectors.models import Connector
from syncjobs.models import SyncJob, SyncJobType, WorkerSeen


class ConnectorFactory(factory.django.DjangoModelFactory[Connector]):
    class Meta:
        model = Connector

    slug = factory.Sequence(lambda number: f"connector-{number}")
    kind = "sqlite"
    config = factory.LazyAttribute(lambda made: {"path": f"{made.slug}.sqlite3"})


class JobTypeFactory(factory.django.DjangoModelFactory[SyncJobType]):
    class Meta:
        model = SyncJobType

    slug = factory.Sequence(lambda number: f"type-{number}")
    name = factory.LazyAttribute(lambda made: made.slug.title())
    source_connector = factory.SubFactory(ConnectorFactory)
    target_connector = factory.SubFactory(ConnectorFactory)


class JobFactory(factory.django.DjangoModelFactory[SyncJob]):
    class Meta:
        model = SyncJob

    job_type = factory.SubFactory(JobTypeFactory)
    title = "A job"
    trigger_type = "manual"
    status = "queued"
    created_at = factory.LazyFunction(timezone.now)
    available_at = factory.LazyFunction(timezone.now)


def see_worker(*queues: str, slots: int = 2, **columns: Any) -> WorkerSeen:
    """A worker that reported just now."""
    values = {"name": "worker@test", "last_seen_at": timezone.now()} | columns
    return WorkerSeen.objects.create(queues=list(queues or ("default",)), slots=slots, **values)
