"""The jobs' pages to look at: the list, and one job in its tabs. What may be done to a job is in job_actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils import timezone

from syncjobs.lifecycle import wait_text
from syncjobs.models import Change, Conflict, JobLog, SyncJob
from syncjobs.operations.descriptions import next_step
from syncjobs.operations.plan_descriptions import related_jobs
from syncjobs.portal import job_reads
from syncjobs.portal.bulk_action_views import BULK_ACTIONS, BulkActionViews
from syncjobs.portal.change_facts import change_row
from syncjobs.portal.children_reads import KINDS, children_of, most_urgent
from syncjobs.portal.document_facts import document_facts, document_outcome, documents_of, flags_of, is_document_sync
from syncjobs.portal.failure_views import FailureViews
from syncjobs.portal.job_action_views import JobActionViews
from syncjobs.portal.job_actions import Rights, offers
from syncjobs.portal.job_facts import facts_of, outcome_of, progress_of, route_of
from syncjobs.portal.live import Region
from syncjobs.portal.pages import Needs, PortalAdmin
from syncjobs.portal.paging import LARGEST_ID, page_by_id, read_id
from syncjobs.portal.plan_facts import conflict_row, has_conflicts, plan_facts
from syncjobs.statuses import Status

JOBS_A_PAGE, CHANGES_A_PAGE, CHILDREN_A_PAGE, LINES_A_PAGE = 50, 100, 100, 500
CHILDREN_ON_OVERVIEW, LINES_ON_OVERVIEW, MOST_NEW_LINES = 20, 100, 1_000
FIELDS_OF_DOCUMENT, FIELDS_IN_LIST = 100, 30
CHANGE_OPERATIONS = ("insert", "update", "delete")
EXPLAINED = (Status.SKIPPED, Status.NO_TARGET, Status.HELD)
"""Statuses whose last move says more than the status does."""


class SyncJobAdmin(PortalAdmin):
    """Jobs are made by running a type; here they are looked at and acted on."""

    address = "jobs"

    def pages(self) -> list[URLPattern]:
        one = "<int:job_id>/"
        return [
            self.page("", self.job_list, "job_list"),
            self.page(one, self.job_page, "job_page"),
            self.page(f"{one}children/", self.job_children, "job_children"),
            self.page(f"{one}changes/", self.job_changes, "job_changes"),
            self.page(f"{one}changes/<int:change_id>/", self.job_change, "job_change"),
            self.page(f"{one}conflicts/", self.job_conflicts, "job_conflicts"),
            self.page(f"{one}log/", self.job_log, "job_log"),
            self.page(f"{one}log/download/", self.job_log_download, "job_log_download"),
            self.page(f"{one}attempts/", self.job_attempts, "job_attempts"),
            self.page(f"{one}config/", self.job_config, "job_config"),
            *JobActionViews(self).pages(),
            *BulkActionViews(self).pages(),
        ]

    def neighbours(self) -> dict[str, list[URLPattern]]:
        return {"failures": FailureViews(self).pages()}

    def has_approve_permission(self, request: HttpRequest) -> bool:
        """Approving is a right of its own: who may run jobs need not be the one who may let them pass a guard."""
        return request.user.has_perm("syncjobs.approve_syncjob")

    def rights(self, request: HttpRequest) -> Rights:
        """What this person may do with jobs, beside looking at them."""
        rights: list[Needs] = ["change"] if self.has_change_permission(request) else []
        return [*rights, "approve"] if self.has_approve_permission(request) else rights

    def job_list(self, request: HttpRequest) -> HttpResponse:
        wanted = job_reads.JobFilter.from_query(request.GET)
        page = page_by_id(request, wanted.apply(job_reads.listed_jobs()), JOBS_A_PAGE, newest_first=True)
        rights = self.rights(request)
        context = {
            "page": page,
            "rows": [
                {"job": one, "why": job_reads.why(one), "actions": offers(one, rights, in_list=True)}
                for one in page.rows
            ],
            "may_act": bool(rights),
            "bulk_actions": [action for action in BULK_ACTIONS if action.needs in rights],
            "filter": wanted,
            "types": job_reads.type_choices(),
            "statuses": Status.choices(),
            "titles_searched": job_reads.TITLES_SEARCHED,
        }
        region = Region("job-list", "portal/_job_list.html", is_live=any(not job.is_final for job in page.rows))
        return self.draw(request, "portal/job_list.html", context, regions=[region])

    def job_page(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        context = self._head(request, job)
        changes = context["changes"]
        context |= {
            "tab": "overview",
            "rows": [change_row(change) for change in changes],
            "only_change": change_row(changes[0], FIELDS_OF_DOCUMENT) if context["is_document"] and changes else None,
            "events": job_reads.latest_events(job),
            "batch": job_reads.latest_batch(job) if job.status == Status.STARTED else None,
            "first_children": self._first_children(job) if context["children"] else [],
            "documents": documents_of(job, request, self.admin_site),
            "flags": flags_of(job),
            "restarted_as": job_reads.restarted_as(job),
            "related_jobs": related_jobs(job),
        }
        lines = job_reads.last_lines(job, LINES_ON_OVERVIEW)
        context |= {"lines": lines, "level": "", "last_line_id": lines[-1].pk if lines else 0}
        region = Region("job-live", "portal/_job_overview.html", is_live=context["is_live"])
        return self.draw(request, "portal/job_page.html", context, regions=[region])

    def _first_children(self, job: SyncJob) -> list[dict[str, Any]]:
        children = most_urgent(job_reads.listed_jobs().filter(parent=job), CHILDREN_ON_OVERVIEW)
        return [{"job": child, "why": job_reads.trouble(child)} for child in children]

    def job_children(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        kind = request.GET.get("kind", "")
        children = job_reads.listed_jobs().filter(KINDS.get(kind, Q()), parent=job)
        page = page_by_id(request, children, CHILDREN_A_PAGE, newest_first=False)
        rows = [{"job": child, "why": job_reads.trouble(child)} for child in page.rows]
        context = {"tab": "children", "page": page, "rows": rows, "kind": kind if kind in KINDS else ""}
        return self._tab(request, job, "portal/job_children.html", context)

    def job_changes(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        changes = Change.objects.filter(job=job)
        operation = request.GET.get("operation", "")
        if operation in CHANGE_OPERATIONS:
            changes = changes.filter(operation=operation)
        page = page_by_id(request, changes, CHANGES_A_PAGE, newest_first=False)
        rows = [change_row(change, FIELDS_IN_LIST) for change in page.rows]
        context = {"tab": "changes", "page": page, "rows": rows, "operation": operation}
        return self._tab(request, job, "portal/job_changes.html", context)

    def job_change(self, request: HttpRequest, job_id: int, change_id: int) -> HttpResponse:
        """One record's change with every field and the whole of each value."""
        job = job_reads.get_job(job_id)
        change = Change.objects.filter(job=job, pk=min(change_id, LARGEST_ID)).first()
        if change is None:
            raise Http404(f"Job #{job_id} has no such change.")
        context = {"tab": "changes", "row": change_row(change, None, whole=True)}
        return self._tab(request, job, "portal/job_change.html", context)

    def job_conflicts(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        page = page_by_id(request, Conflict.objects.filter(job=job), CHANGES_A_PAGE, newest_first=False)
        rows = [conflict_row(conflict, FIELDS_IN_LIST) for conflict in page.rows]
        return self._tab(request, job, "portal/job_conflicts.html", {"tab": "conflicts", "page": page, "rows": rows})

    def job_log(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        lines, level = job_reads.log_lines(job, request)
        after = read_id(request, "after")
        if after is not None:
            new = list(lines.filter(pk__gt=after).order_by("pk")[:MOST_NEW_LINES])
            return self._log_tail(request, job, new, level, after)
        page = page_by_id(request, lines, LINES_A_PAGE, newest_first=True)
        shown = list(page.rows)[::-1]
        is_newest = not page.previous
        context = {
            "tab": "log",
            "page": page,
            "lines": shown,
            "level": level,
            "levels": job_reads.LEVELS,
            "last_line_id": shown[-1].pk if shown else 0,
            "follows": is_newest and job_reads.is_logging(job, timezone.now()),
        }
        return self._tab(request, job, "portal/job_log.html", context)

    def _log_tail(self, request: HttpRequest, job: SyncJob, new: list[JobLog], level: str, after: int) -> HttpResponse:
        follows = job_reads.is_logging(job, timezone.now())
        if follows and not new:
            return HttpResponse(status=204)
        context = {
            "job": job,
            "lines": new,
            "level": level,
            "follows": follows,
            "last_line_id": new[-1].pk if new else after,
        }
        return HttpResponse(render_to_string("portal/_log_lines.html", context, request=request))

    def job_log_download(self, request: HttpRequest, job_id: int) -> StreamingHttpResponse:
        job = job_reads.get_job(job_id)
        lines = JobLog.objects.filter(job=job).order_by("pk").iterator(chunk_size=500)
        response = StreamingHttpResponse(_plain_lines(lines), content_type="text/plain; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="job-{job.pk}.log"'
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def job_attempts(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        attempts = list(job.attempts.order_by("-number")[:100])
        return self._tab(request, job, "portal/job_attempts.html", {"tab": "attempts", "attempts": attempts})

    def job_config(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        return self._tab(request, job, "portal/job_config.html", {"tab": "config"})

    def _tab(self, request: HttpRequest, job: SyncJob, template: str, context: dict[str, Any]) -> HttpResponse:
        shared = self._head(request, job) | context
        region = Region("job-head", "portal/_job_head.html", is_live=shared["is_live"])
        return self.draw(request, template, shared, regions=[region])

    def _head(self, request: HttpRequest, job: SyncJob) -> dict[str, Any]:
        now = timezone.now()
        attempt = job_reads.latest_attempt(job)
        children = children_of(job)
        counts = children.counts if children and job.status == Status.RELAYED else job.tally
        changes = job_reads.latest_changes(job)
        is_document = is_document_sync(job) and children is None and counts.read <= 1 and len(changes) <= 1
        fields_changed = len(changes[0].fields) if changes else None
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
            "route": route_of(job),
            "outcome": document_outcome(job) if is_document else outcome_of(job),
            "reason": job_reads.last_reason(job) if job.status in EXPLAINED else "",
            "plan": plan_facts(job, now),
            "has_conflicts": has_conflicts(job),
            "waits_for": wait_text(job),
            "next_step": next_step(job),
            "asked_by": job_reads.asked_by(job),
            "actions": offers(job, self.rights(request)),
            "may_act": bool(self.rights(request)),
            "follows": job_reads.is_logging(job, now),
            "title": f"#{job.pk} {job.job_type}",
        }


def _plain_lines(lines: Iterator[JobLog]) -> Iterator[str]:
    for line in lines:
        yield f"{line.created_at.isoformat(timespec='milliseconds')} {line.level:<7} {line.message}\n"
