"""Takes what arrives at webhooks: knows the sender by the signature, and starts one job for each delivery."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from syncjobs.asking import Asker, Door, asking, present_asker
from syncjobs.models import SyncJob, Webhook, WebhookDelivery
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.run_requests import NOT_RUN, RunRefused
from syncjobs.operations.webhooks import valid_secrets
from syncjobs.statuses import Trigger
from syncjobs.webhook_signatures import is_delivery_id, is_signed, is_timely, sign, signed_bytes

logger = logging.getLogger("syncjobs.webhooks")
KEPT_FOR_EACH = 1_000
KEPT_AT_LEAST = timedelta(hours=1)  # well over the time in which signed bytes are good
Outcome = WebhookDelivery.Outcome


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a sender sent, as it came."""

    public_id: str
    timestamp: str
    delivery_id: str
    signature: str
    body: bytes

    @property
    def signed_digest(self) -> str:
        return hashlib.sha256(signed_bytes(self.timestamp, self.body)).hexdigest()

    @property
    def body_digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Heard:
    """Whose request it is; `webhook` None where nobody may be told why it is not heard."""

    webhook: Webhook | None
    known: Webhook | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery; `refusal` is there only if it was refused just now."""

    delivery: WebhookDelivery
    is_repeat: bool
    refusal: Exception | None = None


class OtherBody(Exception):
    """The delivery's id was used for another body."""


def hear(request: SignedRequest, now: datetime) -> Heard:
    """Find the webhook that the request is signed for. Writes nothing, and takes as long for an unknown address."""
    found = Webhook.objects.select_related("job_type").filter(public_id=request.public_id[:64]).first()
    secrets = valid_secrets(found, now) if found is not None else []
    right = is_signed(request.signature, request.timestamp, request.body, secrets)
    if found is None:
        return Heard(None, None, "there is no such webhook")
    reason = _why_not_heard(found, request, now, is_right=right)
    return Heard(None if reason else found, found, reason)


def _why_not_heard(webhook: Webhook, request: SignedRequest, now: datetime, *, is_right: bool) -> str:
    if not webhook.enabled:
        return "the webhook is switched off"
    if not is_right:
        return "the signature does not fit"
    if not is_timely(request.timestamp, now.timestamp()):
        return "the timestamp is too far from this clock"
    return "" if is_delivery_id(request.delivery_id) else "the delivery has no id that can be used"


def note_unheard(webhook: Webhook, reason: str, now: datetime) -> None:
    """Count a request that was not heard: one row for each reason, however many come."""
    row, is_new = WebhookDelivery.objects.get_or_create(
        webhook=webhook,
        delivery_id="",
        reason=reason,
        defaults={"outcome": Outcome.REFUSED, "received_at": now, "last_received_at": now},
    )
    if not is_new:
        _count_repeat(row, now)


def take_delivery(
    webhook: Webhook, request: SignedRequest, content: dict[str, Any] | None, now: datetime, *, dry_run: bool = False
) -> Taken:
    """Start the job of a delivery that was heard, unless it was started before; `content` None: it cannot be read.

    The delivery's row and its job are one transaction. The same id, or the same signed bytes, have one effect; an id
    that was refused may be sent again, signed anew. Raises OtherBody.
    """
    with transaction.atomic():
        Webhook.objects.select_for_update(no_key=True).get(pk=webhook.pk)  # one delivery after the other
        same_bytes = WebhookDelivery.objects.filter(webhook=webhook, signed_digest=request.signed_digest).first()
        same_id = WebhookDelivery.objects.filter(webhook=webhook, delivery_id=request.delivery_id).first()
        for known in (same_id, same_bytes):
            if known is not None and known.outcome == Outcome.ACCEPTED:
                return _repeat(known, request, now)
        if same_bytes is not None:
            return _repeat(same_bytes, request, now)
        delivery = same_id or WebhookDelivery(webhook=webhook, delivery_id=request.delivery_id, received_at=now)
        delivery.signed_digest, delivery.body_digest = request.signed_digest, request.body_digest
        delivery.outcome, delivery.last_received_at, delivery.reason = Outcome.ACCEPTED, now, ""
        delivery.save()
        refusal = _start(webhook, delivery, content, dry_run=dry_run)
        if refusal is not None:
            delivery.outcome, delivery.reason = Outcome.REFUSED, str(refusal)[:300]
        delivery.save(update_fields=["job", "outcome", "reason"])
    return Taken(delivery, is_repeat=False, refusal=refusal)


def _repeat(known: WebhookDelivery, request: SignedRequest, now: datetime) -> Taken:
    if known.delivery_id == request.delivery_id and known.body_digest != request.body_digest:
        raise OtherBody(f"the delivery '{request.delivery_id}' came with another body before; give each its own id")
    _count_repeat(known, now)
    return Taken(known, is_repeat=True)


def _count_repeat(row: WebhookDelivery, now: datetime) -> None:
    WebhookDelivery.objects.filter(pk=row.pk).update(repeats=F("repeats") + 1, last_received_at=now)


def _start(
    webhook: Webhook, delivery: WebhookDelivery, content: dict[str, Any] | None, *, dry_run: bool
) -> Exception | None:
    if content is None:
        return RunRefused("the body is no JSON object that can be kept")
    asker = present_asker()
    try:
        with asking(Asker(Door.WEBHOOK, f"webhook {webhook}"[:150], asker.ip, asker.request_id)), transaction.atomic():
            delivery.job = _run(webhook, delivery, content, dry_run=dry_run)
    except NOT_RUN as refusal:
        logger.warning("The webhook %s of %s starts nothing: %s", webhook, webhook.job_type.slug, refusal)
        return refusal
    return None


def _run(webhook: Webhook, delivery: WebhookDelivery, content: dict[str, Any], *, dry_run: bool) -> SyncJob:
    asked = {"dry_run": dry_run} | what_to_run(webhook, content)
    if dry_run:
        asked["dry_run"] = True
    return run_job_type(
        webhook.job_type,
        trigger=Trigger.WEBHOOK,
        actor=f"webhook {webhook}"[:150],
        triggered_by_document_type=WebhookDelivery._meta.label,
        triggered_by_document_name=str(delivery.pk),
        trigger_document_timestamp=delivery.last_received_at,
        **asked,
    )


def what_to_run(webhook: Webhook, content: dict[str, Any]) -> dict[str, Any]:
    """What the webhook fixes, and what it takes from the body. Raises RunRefused for values of a wrong kind."""
    asked: dict[str, Any] = dict(webhook.overrides)
    names = webhook.context_fields
    context = {name: content[name] for name in names if name in content} if names else content
    asked["context"] = context | asked.get("context", {})
    for name, field in (("start_date", webhook.start_date_field), ("end_date", webhook.end_date_field)):
        if field and content.get(field) is not None:
            asked[name] = _text(field, content[field])
    field = webhook.endpoints_field
    if field and content.get(field) is not None:
        if not isinstance(content[field], list):
            raise RunRefused(f"{field} must be a list of texts")
        asked["endpoints"] = [_text(field, item) for item in content[field]]
    return asked


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RunRefused(f"{field} must be text")
    return value


def prune_deliveries(now: datetime) -> int:
    """Keep the newest of each webhook, and what came within the last hour; returns how many went."""
    removed = 0
    for pk in Webhook.objects.order_by("pk").values_list("pk", flat=True):
        rows = WebhookDelivery.objects.filter(webhook=pk, last_received_at__lt=now - KEPT_AT_LEAST)
        newest = WebhookDelivery.objects.filter(webhook=pk).order_by("-last_received_at", "-pk")
        kept = list(newest.values_list("pk", flat=True)[:KEPT_FOR_EACH])
        removed += rows.exclude(pk__in=kept).delete()[0]
    return removed


def send_test(webhook: Webhook, now: datetime) -> Taken | str:
    """Sign a delivery with the present secret and hand it in as a sender would; its job is a dry run.

    Returns what became of it, or why it was not heard.
    """
    secrets = valid_secrets(webhook, now)
    if not secrets:
        return "it has no secret; rotate it to get one"
    timestamp, body = str(int(now.timestamp())), json.dumps({"test": now.isoformat()}).encode()
    delivery_id = f"test-{uuid.uuid4()}"
    request = SignedRequest(webhook.public_id, timestamp, delivery_id, sign(secrets[0], timestamp, body), body)
    heard = hear(request, now)
    if heard.webhook is None:
        return heard.reason
    return take_delivery(heard.webhook, request, json.loads(body), now, dry_run=True)
