"""Rows for tests of the lifecycle: types and jobs in whatever state."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from connectors.models import Connector
from syncjobs.models import SyncJob, SyncJobType, WorkerSeen


class ConnectorFactory(DjangoModelFactory[Connector]):
    class Meta:
        model = Connector

    slug = Sequence(lambda number: f"connector-{number}")
    kind = "sqlite"
    config = LazyAttribute(lambda made: {"path": f"{made.slug}.sqlite3"})


class JobTypeFactory(DjangoModelFactory[SyncJobType]):
    class Meta:
        model = SyncJobType

    slug = Sequence(lambda number: f"type-{number}")
    name = LazyAttribute(lambda made: made.slug.title())
    source_connector = SubFactory(ConnectorFactory)
    target_connector = SubFactory(ConnectorFactory)


class JobFactory(DjangoModelFactory[SyncJob]):
    class Meta:
        model = SyncJob

    job_type = SubFactory(JobTypeFactory)
    title = "A job"
    trigger_type = "manual"
    status = "queued"
    created_at = LazyFunction(timezone.now)
    available_at = LazyFunction(timezone.now)


def see_worker(*queues: str, slots: int = 2, **columns: Any) -> WorkerSeen:
    """A worker that reported just now."""
    values = {"name": "worker@test", "last_seen_at": timezone.now()} | columns
    return WorkerSeen.objects.create(queues=list(queues or ("default",)), slots=slots, **values)
