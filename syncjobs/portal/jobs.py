"""The jobs' pages to look at: the list, and one job in its tabs. What may be done to a job is in job_actions."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone

from syncjobs.models import JobEvent, SyncJob
from syncjobs.operations.plan_descriptions import related_jobs
from syncjobs.portal import job_reads, reject_reads
from syncjobs.portal.attempt_facts import attempt_rows, phase_shares
from syncjobs.portal.bulk_action_views import BULK_ACTIONS, BulkActionViews
from syncjobs.portal.change_facts import change_row
from syncjobs.portal.children_reads import KINDS, most_urgent
from syncjobs.portal.document_facts import documents_of, flags_of
from syncjobs.portal.failure_views import FailureViews
from syncjobs.portal.inbox_reads import served_saves
from syncjobs.portal.job_action_views import JobActionViews
from syncjobs.portal.job_actions import offers
from syncjobs.portal.job_change_views import JobChangeViews
from syncjobs.portal.job_frames import draw_tab, head_of, rights_on_jobs
from syncjobs.portal.job_log_views import JobLogViews, LogFilter, LogTail, draw_tail
from syncjobs.portal.job_news import read_state
from syncjobs.portal.live import Region, is_asked_for, is_unchanged, shared_answer
from syncjobs.portal.pages import PortalAdmin
from syncjobs.portal.paging import page_by_id, read_id
from syncjobs.portal.record_views import RecordViews
from syncjobs.portal.reject_views import RejectViews
from syncjobs.portal.snapshot_facts import snapshot_facts
from syncjobs.portal.trigger_reads import cause_of, starts_of
from syncjobs.statuses import Status

JOBS_A_PAGE, CHILDREN_A_PAGE, EVENTS_A_PAGE, MOST_ATTEMPTS, EVENTS_ON_OVERVIEW = 50, 100, 50, 100, 20
CHILDREN_ON_OVERVIEW, LINES_ON_OVERVIEW, FIELDS_OF_DOCUMENT = 20, 100, 100


class SyncJobAdmin(PortalAdmin):
    """Jobs are made by running a type; here they are looked at and acted on."""

    address = "jobs"

    def pages(self) -> list[URLPattern]:
        one = "<int:job_id>/"
        return [
            self.page("", self.job_list, "job_list"),
            self.page(one, self.job_page, "job_page"),
            self.page(f"{one}children/", self.job_children, "job_children"),
            self.page(f"{one}rejects/", self.job_rejects, "job_rejects"),
            self.page(f"{one}attempts/", self.job_attempts, "job_attempts"),
            self.page(f"{one}config/", self.job_config, "job_config"),
            *JobChangeViews(self).pages(),
            *JobLogViews(self).pages(),
            *JobActionViews(self).pages(),
            *BulkActionViews(self).pages(),
        ]

    def neighbours(self) -> dict[str, list[URLPattern]]:
        return {
            "failures": FailureViews(self).pages(),
            "records": RecordViews(self).pages(),
            "rejects": RejectViews(self).pages(),
        }

    def has_approve_permission(self, request: HttpRequest) -> bool:
        """Approving is a right of its own."""
        return "approve" in rights_on_jobs(request)

    def job_list(self, request: HttpRequest) -> HttpResponse:
        wanted = job_reads.JobFilter.from_query(request.GET)
        page = page_by_id(request, wanted.apply(job_reads.listed_jobs()), JOBS_A_PAGE, newest_first=True)
        rights = rights_on_jobs(request)
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
        """With new lines of the log beside its live region, where the browser tells up to which it has them."""
        token, mark, state = read_state(job_id, timezone.now())
        news = {"state": state, "mark": mark, "shared_as": token, "includes": "#log-after"}
        region = Region("job-live", "portal/_job_overview.html", is_live=True, **news)
        if is_unchanged(request, region):
            return HttpResponse(status=204)
        answer = shared_answer(request, region) or self._job_page(request, job_id, region)
        after = read_id(request, "log_after")
        if after is not None and answer.status_code == HTTPStatus.OK and is_asked_for(request, region):
            tail = LogTail(LogFilter(), after, was_told=True, beside=True)
            answer.write(draw_tail(request, job_id, token, mark, tail))
        return answer

    def _job_page(self, request: HttpRequest, job_id: int, region: Region) -> HttpResponse:
        job = job_reads.get_job(job_id)
        context = head_of(request, job)
        changes, events = context["changes"], job_reads.latest_events(job, EVENTS_ON_OVERVIEW + 1)
        context |= {
            "tab": "overview",
            "rows": [change_row(change) for change in changes],
            "only_change": change_row(changes[0], FIELDS_OF_DOCUMENT) if context["is_document"] and changes else None,
            "events": events[-EVENTS_ON_OVERVIEW:],
            "has_more_events": len(events) > EVENTS_ON_OVERVIEW,
            "batch": job_reads.latest_batch(job) if job.status == Status.STARTED else None,
            "first_children": self._first_children(job) if context["children"] else [],
            "phases": phase_shares(context["attempt"].phase_seconds) if context["attempt"] else [],
            "documents": documents_of(job, request, self.admin_site),
            "flags": flags_of(job),
            "restarted_as": job_reads.restarted_as(job),
            "related_jobs": related_jobs(job),
            "cause": cause_of(job),
            "chain_starts": starts_of(job),
            "served": served_saves(job),
        }
        lines = job_reads.last_lines(job, LINES_ON_OVERVIEW)
        context |= {"lines": lines, "wanted": LogFilter(), "last_line_id": lines[-1].pk if lines else 0}
        context["is_told"] = context["is_live"]  # the log, by this region
        region = replace(region, is_live=context["is_live"])
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
        return draw_tab(self, request, job, "portal/job_children.html", context)

    def job_rejects(self, request: HttpRequest, job_id: int) -> HttpResponse:
        """What the job and its children rejected, by reason."""
        job = job_reads.get_job(job_id)
        choice = reject_reads.RejectChoice.from_query(request.GET).of(job=job.pk, job_type="", stream="", reason="")
        context = {
            "tab": "rejects",
            "choice": choice,
            "reasons": reject_reads.reasons_of(choice),
            "states": reject_reads.STATES,
            "may_act": self.has_change_permission(request) and not job.dry_run,
        }
        return draw_tab(self, request, job, "portal/job_rejects.html", context)

    def job_attempts(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        events = page_by_id(request, JobEvent.objects.filter(job=job), EVENTS_A_PAGE, newest_first=True)
        attempts = attempt_rows(job, list(job.attempts.order_by("-number")[:MOST_ATTEMPTS]))
        context = {"tab": "attempts", "attempts": attempts, "page": events}
        return draw_tab(self, request, job, "portal/job_attempts.html", context)

    def job_config(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        context = {"tab": "config", "snapshot": snapshot_facts(job.config_snapshot)}
        return draw_tab(self, request, job, "portal/job_config.html", context)
