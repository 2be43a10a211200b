"""What all pages of one job share: its head with status, progress, counts and buttons. Reads; changes nothing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from syncjobs.lifecycle import wait_text
from syncjobs.models import SyncJob
from syncjobs.operations.descriptions import next_step
from syncjobs.portal import job_reads
from syncjobs.portal.children_reads import children_of
from syncjobs.portal.document_facts import document_facts, document_outcome, is_document_sync
from syncjobs.portal.job_actions import Rights, offers
from syncjobs.portal.job_facts import facts_of, outcome_of, progress_of, route_of
from syncjobs.portal.live import Region
from syncjobs.portal.pages import Needs, PortalAdmin
from syncjobs.portal.plan_facts import has_conflicts, plan_facts
from syncjobs.statuses import Status

EXPLAINED = (Status.SKIPPED, Status.NO_TARGET, Status.HELD)
"""Statuses whose last move says more than the status does."""


def rights_on_jobs(request: HttpRequest) -> Rights:
    """What this person may do with jobs, beside looking at them.

    Approving and deleting are rights of their own: who may run jobs need not be the one who may let them pass a guard.
    """
    rights: tuple[Needs, ...] = ("change", "approve", "delete")
    return [right for right in rights if request.user.has_perm(f"syncjobs.{right}_syncjob")]


def draw_tab(
    admin: PortalAdmin, request: HttpRequest, job: SyncJob, template: str, context: dict[str, Any]
) -> HttpResponse:
    """A page of the job below its live head."""
    shared = head_of(request, job) | context
    region = Region("job-head", "portal/_job_head.html", is_live=shared["is_live"])
    return admin.draw(request, template, shared, regions=[region])


def head_of(request: HttpRequest, job: SyncJob) -> dict[str, Any]:
    """What the head shows."""
    now = timezone.now()
    attempt = job_reads.latest_attempt(job)
    children = children_of(job)
    counts = children.counts if children and job.status == Status.RELAYED else job.tally
    changes = job_reads.latest_changes(job)
    is_document = is_document_sync(job) and children is None and counts.read <= 1 and len(changes) <= 1
    fields_changed = len(changes[0].fields) if changes else None
    rights = rights_on_jobs(request)
    return {
        "job": job,
        "now": now,
        "attempt": attempt,
        "children": children,
        "changes": changes,
        "is_document": is_document,
        "is_live": job_reads.is_changing(job, children),
        "progress": progress_of(job, now, attempt.started_at if attempt else None),
        "facts": document_facts(job, fields_changed) if is_document else facts_of(job, counts),
        "rejected": counts.rejected,
        "route": route_of(job),
        "outcome": document_outcome(job) if is_document else outcome_of(job),
        "reason": job_reads.last_reason(job) if job.status in EXPLAINED else "",
        "plan": plan_facts(job, now),
        "has_conflicts": has_conflicts(job),
        "waits_for": wait_text(job),
        "next_step": next_step(job),
        "asked_by": job_reads.asked_by(job),
        "actions": offers(job, rights),
        "may_act": bool(rights),
        "follows": job_reads.is_logging(job, now),
        "title": f"#{job.pk} {job.job_type}",
    }
