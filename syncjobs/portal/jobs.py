"""The jobs' pages: list, one job in its tabs, cancel and retry. Every change is one call of an operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils import timezone

from syncjobs.lifecycle import StatusConflict, allowed_actions
from syncjobs.models import Change, JobLog, SyncJob
from syncjobs.operations.descriptions import next_step
from syncjobs.operations.jobs import cancel_job, retry_job
from syncjobs.portal import job_reads
from syncjobs.portal.job_facts import change_row, facts_of, outcome_of, progress_of, route_of
from syncjobs.portal.live import Region
from syncjobs.portal.pages import FORM, POSTING, PortalAdmin, refuse, tell
from syncjobs.portal.paging import page_by_id, read_id
from syncjobs.statuses import Status

JOBS_A_PAGE, CHANGES_A_PAGE, LINES_A_PAGE, LINES_ON_OVERVIEW, MOST_NEW_LINES = 50, 100, 500, 100, 1_000
CHANGE_OPERATIONS = ("insert", "update", "delete")
ALL_FIELDS = 1_000


class CancelForm(forms.Form):
    """Why a job is canceled; its history keeps it."""

    reason = forms.CharField(max_length=300, required=False, help_text="Kept in the job's history; may stay empty.")


class SyncJobAdmin(PortalAdmin):
    """Jobs are made by running a type; here they are looked at, canceled and retried."""

    address = "jobs"

    def pages(self) -> list[URLPattern]:
        one = "<int:job_id>/"
        return [
            self.page("", self.job_list, "job_list"),
            self.page(one, self.job_page, "job_page"),
            self.page(f"{one}changes/", self.job_changes, "job_changes"),
            self.page(f"{one}log/", self.job_log, "job_log"),
            self.page(f"{one}log/download/", self.job_log_download, "job_log_download"),
            self.page(f"{one}attempts/", self.job_attempts, "job_attempts"),
            self.page(f"{one}config/", self.job_config, "job_config"),
            self.page(f"{one}cancel/", self.job_cancel, "job_cancel", needs="change", methods=FORM),
            self.page(f"{one}retry/", self.job_retry, "job_retry", needs="change", methods=POSTING),
        ]

    def job_list(self, request: HttpRequest) -> HttpResponse:
        wanted = job_reads.JobFilter.from_query(request.GET)
        page = page_by_id(request, wanted.apply(job_reads.listed_jobs()), JOBS_A_PAGE, newest_first=True)
        context = {
            "page": page,
            "rows": [{"job": job, "why": job_reads.why(job)} for job in page.rows],
            "filter": wanted,
            "types": job_reads.type_choices(),
            "statuses": Status.choices(),
            "titles_searched": job_reads.TITLES_SEARCHED,
        }
        region = Region("job-list", "portal/_job_list.html", is_live=any(not job.is_final for job in page.rows))
        return self.draw(request, "portal/job_list.html", context, regions=[region])

    def job_page(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        context = self._head(request, job) | {
            "tab": "overview",
            "changes": job_reads.latest_changes(job),
            "events": job_reads.latest_events(job),
            "batch": job_reads.latest_batch(job) if job.status == Status.STARTED else None,
        }
        lines = job_reads.last_lines(job, LINES_ON_OVERVIEW)
        context |= {"lines": lines, "level": "", "last_line_id": lines[-1].pk if lines else 0}
        region = Region("job-live", "portal/_job_overview.html", is_live=context["is_live"])
        return self.draw(request, "portal/job_page.html", context, regions=[region])

    def job_changes(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        changes = Change.objects.filter(job=job)
        operation = request.GET.get("operation", "")
        if operation in CHANGE_OPERATIONS:
            changes = changes.filter(operation=operation)
        page = page_by_id(request, changes, CHANGES_A_PAGE, newest_first=False)
        rows = [change_row(change, ALL_FIELDS) for change in page.rows]
        context = {"tab": "changes", "page": page, "rows": rows, "operation": operation}
        return self._tab(request, job, "portal/job_changes.html", context)

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

    def job_cancel(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        form = CancelForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                ended = cancel_job(job_id, actor=request.user.get_username(), reason=form.cleaned_data["reason"])
            except StatusConflict as conflict:
                refuse(request, conflict)
            else:
                is_over = ended.status == Status.CANCELED
                tell(
                    request, f"Job #{job_id} {'is canceled' if is_over else 'was asked to stop; it ends within 10 s'}."
                )
            return redirect("admin:job_page", job_id)
        context = self._head(request, job) | {"form": form, "is_allowed": "cancel" in allowed_actions(job)}
        return self.draw(request, "portal/job_cancel.html", context)

    def job_retry(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job_reads.get_job(job_id)
        try:
            retry_job(job_id, actor=request.user.get_username())
        except StatusConflict as conflict:
            refuse(request, conflict)
        else:
            tell(request, f"Job #{job_id} is queued again; it goes on from where it stopped.")
        return redirect("admin:job_page", job_id)

    def _tab(self, request: HttpRequest, job: SyncJob, template: str, context: dict[str, Any]) -> HttpResponse:
        shared = self._head(request, job) | context
        region = Region("job-head", "portal/_job_head.html", is_live=shared["is_live"])
        return self.draw(request, template, shared, regions=[region])

    def _head(self, request: HttpRequest, job: SyncJob) -> dict[str, Any]:
        now = timezone.now()
        attempt = job_reads.latest_attempt(job)
        children = job_reads.children_of(job)
        counts = children.counts if children and job.status == Status.RELAYED else job.tally
        return {
            "job": job,
            "now": now,
            "attempt": attempt,
            "children": children,
            "is_live": job_reads.is_changing(job, children),
            "progress": progress_of(job, now, attempt.started_at if attempt else None),
            "facts": facts_of(job, counts),
            "route": route_of(job),
            "outcome": outcome_of(job),
            "next_step": next_step(job),
            "asked_by": job_reads.asked_by(job),
            "actions": allowed_actions(job) if self.has_change_permission(request) else [],
            "follows": job_reads.is_logging(job, now),
            "title": f"#{job.pk} {job.job_type}",
        }


def _plain_lines(lines: Iterator[JobLog]) -> Iterator[str]:
    for line in lines:
        yield f"{line.created_at.isoformat(timespec='milliseconds')} {line.level:<7} {line.message}\n"
