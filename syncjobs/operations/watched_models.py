"""Which Django models some type watches, so that a save of any other costs one look into a dictionary.

Each process asks the database for it at most once a second: a type that is switched on elsewhere is heeded by then.
"""

from __future__ import annotations

import time
from functools import cache
from typing import NamedTuple

from django.apps import apps
from django.db import models

from connectors.errors import ConfigError
from syncjobs.documents.django_models import find_model
from syncjobs.models import SyncJobType

OURS = frozenset({"syncjobs", "connectors", "django_celery_beat", "admin", "contenttypes", "sessions"})
"""Apps whose rows are nobody's documents; without a listener Django deletes many of them by one statement."""
KNOWN_FOR_SECONDS = 1.0


class Watcher(NamedTuple):
    """A type that watches a model, and whether it heeds what jobs save."""

    job_type_id: int
    heeds_jobs: bool


class Part(NamedTuple):
    """A model that a row of some model is a document of: itself, what it is a proxy of, what it inherits from."""

    label: str
    model: type[models.Model]


class _Known(NamedTuple):
    until: float
    watchers: dict[str, list[Watcher]]


_known = _Known(0.0, {})


def watchers_by_model() -> dict[str, list[Watcher]]:
    """Who watches what, by the model's label in small letters. Paused types are among them, disabled ones are not."""
    global _known
    if time.monotonic() >= _known.until:
        found: dict[str, list[Watcher]] = {}
        watching = SyncJobType.objects.filter(watch_saves=True, enabled=True).order_by("pk")
        for pk, label, heeds_jobs in watching.values_list("pk", "source_document_type", "watch_job_saves"):
            found.setdefault(label.lower(), []).append(Watcher(pk, heeds_jobs))
        _known = _Known(time.monotonic() + KNOWN_FOR_SECONDS, found)
    return _known.watchers


def forget_watchers() -> None:
    """Ask the database again at the next save: a type was changed by this process."""
    global _known
    _known = _Known(0.0, {})


def is_watched(model: type[models.Model]) -> bool:
    """Whether a save of such a row may start a job."""
    if model not in documents() or not (watchers := watchers_by_model()):
        return False
    return any(part.label.lower() in watchers for part in parts_of(model))


@cache
def documents() -> frozenset[type[models.Model]]:
    """The models whose rows may be somebody's documents; those of migrations are not among them."""
    return frozenset(model for model in apps.get_models() if model._meta.app_label not in OURS)


@cache
def parts_of(model: type[models.Model]) -> tuple[Part, ...]:
    """What a row of the model is a document of."""
    concrete = model._meta.concrete_model or model
    of = dict.fromkeys([model, concrete, *concrete._meta.all_parents])
    return tuple(Part(part._meta.label, part) for part in of)


def watch_problems(job_type: SyncJobType) -> dict[str, list[str]]:
    """What speaks against watching as the type says; apps.py gives this to SyncJobType.clean."""
    if job_type.watch_most_seconds < job_type.watch_quiet_seconds:
        least = f"This must be at least the {job_type.watch_quiet_seconds} quiet seconds."
        return {"watch_most_seconds": [least]}
    if not job_type.watch_saves:
        return {}
    try:
        model = find_model(job_type.source_document_type)
    except ConfigError as error:
        return {"watch_saves": [f"Only saves of a Django model can be watched, and {error.message}. {error.hint}"]}
    if model._meta.app_label in OURS:
        return {"watch_saves": [f"{model._meta.label} belongs to Syncdeck itself, whose rows are no documents."]}
    return {}
