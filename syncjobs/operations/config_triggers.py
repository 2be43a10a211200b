"""Brings webhooks and chains of a configuration document in. A new webhook has an address and a secret of its own."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from syncjobs.models import Chain, SyncJobType, Webhook
from syncjobs.operations.chains import chain_shape, save_chain
from syncjobs.operations.config_entries import Imported, refuse_unknown
from syncjobs.operations.job_type_differences import list_differences
from syncjobs.operations.webhooks import SHAPE, change_webhook, create_webhook, webhook_shape

CHAIN_FIELDS = ("from_type", "to_type", "when", "enabled")


def import_webhook(shape: dict[str, Any], *, actor: str) -> Imported:
    """By its type and name. Raises ValidationError."""
    refuse_unknown(shape, ("job_type", *SHAPE))
    job_type = _type(shape, "job_type")
    _check_enabled(shape)
    before = Webhook.objects.select_related("job_type").filter(job_type=job_type, name=shape["name"]).first()
    old = webhook_shape(before) if before else {}
    new = webhook_shape(Webhook(job_type=job_type, name=shape["name"])) | old | shape
    differences = list_differences(old, new)
    if differences:
        values = {name: new[name] for name in SHAPE}
        if before is None:
            create_webhook(job_type, actor=actor, **values)
        else:
            change_webhook(before, actor=actor, **values)
    return Imported("webhook", f"{job_type.slug}: {shape['name']}", before is None, differences)


def import_chain(shape: dict[str, Any], *, actor: str) -> Imported:
    """By both its types. Raises ValidationError."""
    refuse_unknown(shape, CHAIN_FIELDS)
    _check_enabled(shape)
    from_type, to_type = _type(shape, "from_type"), _type(shape, "to_type")
    chains = Chain.objects.select_related("from_type", "to_type")
    before = chains.filter(from_type=from_type, to_type=to_type).first()
    old = chain_shape(before) if before else {}
    new: dict[str, Any] = {"when": Chain.When.SUCCESS.value, "enabled": True} | old | shape
    differences = list_differences(old, new)
    if differences:
        when, enabled = str(new["when"]), new["enabled"]
        save_chain(from_type=from_type, to_type=to_type, when=when, enabled=enabled, chain=before, actor=actor)
    return Imported("chain", f"{from_type.slug} → {to_type.slug}", before is None, differences)


def _type(shape: dict[str, Any], field: str) -> SyncJobType:
    slug = str(shape.get(field))
    found = SyncJobType.objects.filter(slug=slug).first()
    if found is None:
        raise ValidationError({field: f"There is no job type '{slug[:100]}'."})
    return found


def _check_enabled(shape: dict[str, Any]) -> None:
    if not isinstance(shape.get("enabled", True), bool):
        raise ValidationError({"enabled": "must be true or false"})
