"""Checks what is asked of a run besides its type. Says no before there is a job, by a sentence that names the value."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder

from connectors.errors import ConfigError, SyncError
from syncjobs.controllers.targets import check_target
from syncjobs.mapping import ConfigProblems
from syncjobs.models import SyncJob, SyncJobType

NUMBERS = ("timeout", "retry_delay", "max_retries")
LONGEST_NAME = 255


class RunRefused(Exception):
    """The type may not be started now, not by this trigger, or not so; the text says why and what to do."""


class TypePaused(RunRefused):
    """Nothing of the type may start until somebody resumes it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is paused; resume it first")


class TypeDisabled(RunRefused):
    """The type may be started by people, commands and the API only."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not enabled, so only a person, a command or the API may start it")


NOT_RUN = (RunRefused, ConfigProblems, SyncError)
"""What a run that is asked for in vain raises: not now, or not so, or the type itself is wrong."""


def check_overrides(overrides: dict[str, Any], context: Any = None) -> None:
    """Raise RunRefused for the first thing that no job could have."""
    known = {name for field in SyncJob._meta.concrete_fields for name in (field.name, field.attname)}
    if unknown := sorted(set(overrides) - known):
        raise RunRefused(f"a job has no {', '.join(unknown)}")
    _check_context(context)
    if "queue" in overrides and overrides["queue"] not in settings.SYNCDECK_QUEUES:
        known_queues = ", ".join(settings.SYNCDECK_QUEUES)
        raise RunRefused(f"there is no queue '{overrides['queue']}'; choose one of: {known_queues}")
    for name in NUMBERS:
        if name in overrides:
            _check_number(name, overrides[name])
    _check_documents(overrides)


def _check_context(context: Any) -> None:
    if context is not None and not isinstance(context, dict):
        raise RunRefused(f"context must be an object, got {type(context).__name__}")
    try:
        text = json.dumps(context, cls=DjangoJSONEncoder, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RunRefused(f"context cannot be kept as JSON: {error}") from error
    if "\\u0000" in text:
        raise RunRefused("context holds a NUL character, which no database keeps")


def _check_number(name: str, value: Any) -> None:
    if isinstance(value, bool):
        raise RunRefused(f"{name} must be a whole number, got {value}")
    field: Any = SyncJobType._meta.get_field(name)
    try:
        field.clean(value, None)
    except ValidationError as error:
        raise RunRefused(f"{name}: {' '.join(error.messages)}") from error


def _check_documents(overrides: dict[str, Any]) -> None:
    for side in ("source", "target"):
        name = overrides.get(f"{side}_document_name") or ""
        if "\0" in name:
            raise RunRefused(f"{side}_document_name holds a NUL character")
        if len(name) > LONGEST_NAME:
            raise RunRefused(f"{side}_document_name has {len(name)} characters, at most {LONGEST_NAME} are kept")
    if operation := overrides.get("operation"):
        document_type = overrides.get("target_document_type") or "document"
        try:
            check_target(operation, document_type, overrides.get("target_document_name"))
        except ConfigError as error:
            raise RunRefused(error.message) from error
