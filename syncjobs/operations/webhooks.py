"""Webhooks: make, change, switch and delete them, and give them new secrets. A secret is told once, when it is made."""

from __future__ import annotations

import logging
import secrets as randomness
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from connectors.errors import ConfigError
from syncjobs.clock import db_now
from syncjobs.models import SyncJobType, Webhook
from syncjobs.operations.auditing import record
from syncjobs.operations.editions import take_next_version
from syncjobs.operations.schedule_overrides import overrides_problems

logger = logging.getLogger("syncjobs.webhooks")

MARK, SECRET_BYTES = "sdh_", 32
LONGEST_NAME = 100
DEFAULT_HOURS, MOST_HOURS = 24, 24 * 30
SHAPE = (
    *("name", "enabled", "overrides", "context_fields"),
    *("endpoints_field", "start_date_field", "end_date_field"),
)
FROM_BODY = {"endpoints_field": "endpoints", "start_date_field": "start_date", "end_date_field": "end_date"}


@dataclass(frozen=True, slots=True)
class MadeSecret:
    """A webhook with the secret that it has just got, which can not be had again."""

    webhook: Webhook
    secret: str


def create_webhook(job_type: SyncJobType, *, name: str, actor: str, **values: Any) -> MadeSecret:
    """Make a webhook; `values` are further ones of SHAPE. Raises ValidationError by field."""
    secret = _new_secret()
    webhook = Webhook(job_type=job_type, name=name.strip(), created_at=db_now(), created_by=actor, **values)
    webhook.secrets = {"current": secret}
    with transaction.atomic():
        _check(webhook)
        webhook.save()
        record("webhook.create", webhook, after=webhook_shape(webhook), actor=actor)
    logger.info("The webhook %s of %s was made by %s", webhook, job_type.slug, actor)
    return MadeSecret(webhook, secret)


def change_webhook(webhook: Webhook, *, actor: str, **values: Any) -> Webhook:
    """Change some of SHAPE. Raises ValidationError by field, and EditConflict if it was edited meanwhile."""
    with transaction.atomic():
        before = webhook_shape(webhook)
        take_next_version(webhook)
        for name, value in values.items():
            setattr(webhook, name, value.strip() if name == "name" else value)
        _check(webhook)
        webhook.save(update_fields=SHAPE)
        record("webhook.update", webhook, before=before, after=webhook_shape(webhook), actor=actor)
    logger.info("The webhook %s of %s was changed by %s", webhook, webhook.job_type.slug, actor)
    return webhook


def rotate_secret(webhook: Webhook, *, actor: str, hours: int = DEFAULT_HOURS) -> MadeSecret:
    """Give it a new secret; the one before is good for so many hours more. Raises ValidationError."""
    if isinstance(hours, bool) or not 0 <= hours <= MOST_HOURS:
        raise ValidationError({"hours": f"Choose 0 to {MOST_HOURS:,} hours; with 0 the old secret ends at once."})
    secret, now = _new_secret(), db_now()
    with transaction.atomic():
        locked = Webhook.objects.select_for_update().get(pk=webhook.pk)
        before = locked.secrets.reveal().get("current") if hours else None
        locked.secrets = {"current": secret} | ({"previous": before} if before else {})
        locked.rotated_at = now
        locked.previous_until = now + timedelta(hours=hours) if before else None
        locked.save(update_fields=["secrets", "rotated_at", "previous_until"])
        record("webhook.rotate", locked, after={"old_secret_until": str(locked.previous_until)}, actor=actor)
    logger.info("The secret of the webhook %s was rotated by %s", locked, actor)
    return MadeSecret(locked, secret)


def drop_previous_secret(webhook: Webhook, *, actor: str) -> Webhook:
    """End the secret before the last rotation at once; without one nothing changes."""
    with transaction.atomic():
        locked = Webhook.objects.select_for_update().get(pk=webhook.pk)
        if locked.previous_until is not None:
            _forget_previous(locked)
            record("webhook.drop_old_secret", locked, actor=actor)
    return locked


def delete_webhook(webhook: Webhook, *, actor: str) -> None:
    """Delete it with what is known of its deliveries; the jobs that it started stay. Raises EditConflict."""
    name = str(webhook)
    with transaction.atomic():
        take_next_version(webhook)
        record("webhook.delete", webhook, before=webhook_shape(webhook), actor=actor)
        webhook.delete()
    logger.info("The webhook %s was deleted by %s", name, actor)


def valid_secrets(webhook: Webhook, now: datetime) -> list[str]:
    """What its requests may be signed with now; nothing where that cannot be decrypted."""
    try:
        known = webhook.secrets.reveal()
    except ConfigError as error:
        logger.error("The secret of the webhook %s cannot be read: %s. %s", webhook, error.message, error.hint)
        return []
    names = ["current"]
    if webhook.previous_until is not None and now < webhook.previous_until:
        names.append("previous")
    return [known[name] for name in names if name in known]


def forget_old_secrets(now: datetime) -> int:
    """Remove the secrets whose time after a rotation is over; returns how many."""
    over = Webhook.objects.filter(previous_until__lte=now).values_list("pk", flat=True)
    for pk in list(over):
        with transaction.atomic():
            locked = Webhook.objects.select_for_update().filter(pk=pk, previous_until__lte=now).first()
            if locked is not None:
                _forget_previous(locked)
    return len(over)


def webhook_shape(webhook: Webhook) -> dict[str, Any]:
    """The webhook as export_config writes it: neither its address nor its secrets, which are made anew elsewhere."""
    return {"job_type": webhook.job_type.slug} | {name: getattr(webhook, name) for name in SHAPE}


def _new_secret() -> str:
    return MARK + randomness.token_urlsafe(SECRET_BYTES)


def _forget_previous(webhook: Webhook) -> None:
    webhook.secrets = {name: value for name, value in webhook.secrets.reveal().items() if name != "previous"}
    webhook.previous_until = None
    webhook.save(update_fields=["secrets", "previous_until"])


def _check(webhook: Webhook) -> None:
    problems: dict[str, list[str]] = {}
    if not 0 < len(webhook.name) <= LONGEST_NAME or not webhook.name.isprintable():
        problems["name"] = [f"A webhook needs a name of 1 to {LONGEST_NAME} characters."]
    elif webhook.job_type.webhooks.filter(name=webhook.name).exclude(pk=webhook.pk or 0).exists():
        problems["name"] = [f"{webhook.job_type.slug} has a webhook named '{webhook.name}' already."]
    if found := overrides_problems(webhook.job_type, webhook.overrides):
        problems["overrides"] = found
    for field, word in FROM_BODY.items():
        if problem := _problem_of_field(webhook, field, word):
            problems[field] = [problem]
    names = webhook.context_fields
    if not isinstance(names, list) or len(names) > 100 or not all(_is_name(name) for name in names):
        problems["context_fields"] = ["Give a list of names, each of 1 to 100 characters; empty for the whole body."]
    if problems:
        raise ValidationError(problems)


def _problem_of_field(webhook: Webhook, field: str, word: str) -> str:
    name = getattr(webhook, field)
    if name and not _is_name(name):
        return "Give the name of a field of the body, of 1 to 100 characters."
    if name and isinstance(webhook.overrides, dict) and word in webhook.overrides:
        return f"{word} is fixed by the overrides already; take it from one of them."
    return ""


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable()
