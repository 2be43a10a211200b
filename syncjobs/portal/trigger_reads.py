"""Webhooks and chains as pages show them: those of a type, and what a job was started by or has started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.urls import reverse

from syncjobs.models import Chain, ChainStart, SyncJob, SyncJobType, Webhook, WebhookDelivery
from syncjobs.operations.visible import visible_job_types
from syncjobs.portal.paging import LARGEST_ID
from syncjobs.statuses import Trigger

SHOWN = 50
STATES = {"started": "ok", "waiting": "info", "not_started": "quiet", "children_failed": "warn"}


@dataclass(frozen=True, slots=True)
class Cause:
    """By what a job was started, with an address where there is one."""

    text: str
    address: str = ""


def triggers_of(job_type: SyncJobType) -> dict[str, Any]:
    """Webhooks and chains of the type, both ways; a chain from or to a type that is hidden is not among them."""
    seen = visible_job_types().values("pk")
    chains = Chain.objects.select_related("from_type", "to_type")
    return {
        "webhooks": list(job_type.webhooks.all()[:SHOWN]),
        "chains": list(chains.filter(from_type=job_type, to_type__in=seen)[:SHOWN]),
        "chains_to_it": list(chains.filter(to_type=job_type, from_type__in=seen)[:SHOWN]),
    }


def get_webhook(job_type: SyncJobType, webhook_id: int) -> Webhook:
    """Raises Http404."""
    found = job_type.webhooks.select_related("job_type").filter(pk=min(webhook_id, LARGEST_ID)).first()
    if found is None:
        raise Http404(f"{job_type} has no webhook {webhook_id}.")
    return found


def get_chain(job_type: SyncJobType, chain_id: int) -> Chain:
    """Raises Http404."""
    chains = Chain.objects.select_related("from_type", "to_type").filter(to_type__in=visible_job_types().values("pk"))
    found = chains.filter(from_type=job_type, pk=min(chain_id, LARGEST_ID)).first()
    if found is None:
        raise Http404(f"{job_type} has no chain {chain_id}.")
    return found


def cause_of(job: SyncJob) -> Cause | None:
    """The job or the delivery that brought this one about; None for all others."""
    name = job.triggered_by_document_name
    if not name.isascii() or not name.isdecimal():
        return None
    if job.trigger_type == Trigger.CHAIN:
        return Cause(f"#{name}, by a chain", reverse("admin:job_page", args=[int(name)]))
    if job.trigger_type != Trigger.WEBHOOK:
        return None
    delivery = WebhookDelivery.objects.select_related("webhook").filter(pk=int(name)).first()
    if delivery is None:
        return Cause("a delivery that is no longer kept")
    place = reverse("admin:webhook_page", args=[job.job_type.slug, delivery.webhook_id])
    return Cause(f"delivery {delivery.delivery_id} to {delivery.webhook}", place)


def starts_of(job: SyncJob) -> list[dict[str, Any]]:
    """What the job's end has asked chains for, and what became of it."""
    if not job.is_final:
        return []
    starts = ChainStart.objects.select_related("chain__to_type").filter(job=job)
    seen = starts.filter(chain__to_type__in=visible_job_types().values("pk"))[:SHOWN]
    return [{"start": start, "pill": STATES[start.state]} for start in seen]
