"""What the page of a document sync says beside what every job's page says. Reads and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.urls import reverse

from connectors.base import Operation
from syncjobs.controllers.results import sentence
from syncjobs.models import SyncJob
from syncjobs.portal.job_facts import Fact
from syncjobs.portal.pages import PortalAdmin
from syncjobs.portal.words import NOTHING
from syncjobs.statuses import Status

SWITCHES = {"insert_enabled": "inserts", "update_enabled": "updates", "delete_enabled": "deletes"}


@dataclass(frozen=True, slots=True)
class Document:
    """A document by type and name; with an address where this portal has a page for it."""

    type: str
    name: str
    address: str = ""

    def __bool__(self) -> bool:
        return bool(self.type or self.name)


def is_document_sync(job: SyncJob) -> bool:
    """Whether it is about one document, rather than about streams."""
    return "streams" not in (job.config_snapshot.get("config") or {})


def documents_of(job: SyncJob, request: HttpRequest, site: AdminSite) -> dict[str, Document]:
    """The documents that a job names, under "source", "target" and "trigger"; those that it names only."""
    named = {
        "source": (job.source_document_type, job.source_document_name),
        "target": (job.target_document_type, job.target_document_name),
        "trigger": (job.triggered_by_document_type, job.triggered_by_document_name),
    }
    found = {part: Document(*pair, _address(*pair, request, site)) for part, pair in named.items()}
    return {part: document for part, document in found.items() if document}


def _address(document_type: str, name: str, request: HttpRequest, site: AdminSite) -> str:
    """Its stock change page, if the model is registered here and this person may see it."""
    try:
        model: Any = apps.get_model(document_type)
    except (LookupError, ValueError):
        return ""
    if not name or not site.is_registered(model):
        return ""
    admin = site.get_model_admin(model)
    if isinstance(admin, PortalAdmin) or not admin.has_view_or_change_permission(request):
        return ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[quote(name)])


def flags_of(job: SyncJob) -> list[str]:
    """What is set otherwise than it usually is, in words."""
    flags = [f"{what} switched off" for name, what in SWITCHES.items() if not getattr(job, name)]
    flags += ["updates even if nothing differs"] if job.update_without_changes_enabled else []
    flags += ["verbose logging"] if job.verbose_logging else []
    flags += ["forced"] if job.config_snapshot.get("force") else []
    flags += [f"priority {job.priority}"] if job.priority else []
    return flags


def document_facts(job: SyncJob, fields_changed: int | None) -> list[Fact]:
    """In place of counts, which of one document are only ever 0 and 1."""
    changed = NOTHING if fields_changed is None else f"{fields_changed:,}"
    return [
        Fact(job.operation or NOTHING, "operation"),
        Fact(changed, "fields that would change" if job.dry_run else "fields changed"),
        Fact(f"{job.retry_count} of {job.max_retries}", "retries used"),
    ]


def document_outcome(job: SyncJob) -> str:
    """What a dry run would have done; otherwise status, operation and diff say it all."""
    if not (job.dry_run and job.operation and job.status == Status.FINISHED):
        return ""
    operation = cast(Operation, job.operation)
    done = sentence(operation, job.target_document_type, job.target_document_name, dry_run=True)
    return f"{done}. A dry run writes nothing."
