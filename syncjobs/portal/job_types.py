"""The job types' pages: list, one type, and its form. Running, pausing and resuming have modules of their own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from syncjobs.models import JobTypeVersion, SyncJobType
from syncjobs.operations.controller_files import controller_file_offer
from syncjobs.portal import job_reads, schedule_reads, schema_reads
from syncjobs.portal.chain_views import ChainViews
from syncjobs.portal.config_reads import guard_sentences, stream_summaries
from syncjobs.portal.controller_file_views import ControllerFileViews
from syncjobs.portal.cursor_views import CursorViews
from syncjobs.portal.deletion_views import JobTypeDeletionViews
from syncjobs.portal.forms.controller_choices import controller_choices
from syncjobs.portal.forms.type_action_forms import ControllerFileForm
from syncjobs.portal.inbox_reads import inbox_of
from syncjobs.portal.job_type_edit_views import JobTypeEditViews
from syncjobs.portal.job_type_question_views import JobTypeQuestionViews
from syncjobs.portal.job_type_reads import TypeFilter, filter_choices, listed_types
from syncjobs.portal.job_type_run_views import JobTypeRunViews, get_job_type, has_streams, may_run
from syncjobs.portal.job_type_state_views import JobTypeStateViews
from syncjobs.portal.live import Region
from syncjobs.portal.pages import PortalAdmin
from syncjobs.portal.trigger_reads import triggers_of
from syncjobs.portal.version_views import VersionViews
from syncjobs.portal.webhook_views import WebhookViews
from syncjobs.stream_cursors import cursor_fields

JOBS_SHOWN, VERSIONS_SHOWN, SCHEDULES_SHOWN = 15, 10, 50


class SyncJobTypeAdmin(PortalAdmin):
    """Types are edited here. Running one makes a job, so it needs the permission to change jobs."""

    address = "job-types"

    def pages(self) -> list[URLPattern]:
        one = "<slug:slug>/"
        return [
            self.page("", self.job_type_list, "job_type_list"),
            *JobTypeEditViews(self).pages(),
            *JobTypeRunViews(self).pages(),
            *JobTypeStateViews(self).pages(),
            *JobTypeDeletionViews(self).pages(),
            *ControllerFileViews(self).pages(),
            *CursorViews(self).pages(),
            *JobTypeQuestionViews(self).pages(),
            *VersionViews(self).pages(),
            *WebhookViews(self).pages(),
            *ChainViews(self).pages(),
            self.page(f"{one}", self.job_type_page, "job_type_page"),
        ]

    def job_type_list(self, request: HttpRequest) -> HttpResponse:
        chosen = TypeFilter.of(request)
        context = {
            "title": "Job types",
            "rows": listed_types(chosen),
            "filter": chosen,
            "may_add": self.has_add_permission(request),
            **filter_choices(),
        }
        return self.draw(request, "portal/job_type_list.html", context)

    def job_type_page(self, request: HttpRequest, slug: str) -> HttpResponse:
        job_type = get_job_type(slug)
        jobs = list(job_reads.listed_jobs().filter(job_type=job_type, parent=None)[:JOBS_SHOWN])
        context: dict[str, Any] = {
            "title": str(job_type),
            "type": job_type,
            "jobs": [{"job": job, "why": job_reads.why(job)} for job in jobs],
            "may_restart": may_run(request),
            "may_run": may_run(request) and job_type.paused_at is None,
            "may_change": self.has_change_permission(request),
            "may_do": [verb for verb in ("insert", "update", "delete") if getattr(job_type, f"{verb}_enabled")],
            "has_streams": has_streams(job_type),
            "has_cursor": bool(cursor_fields(job_type.config)),
            "inbox": inbox_of(job_type),
            **self._controller(job_type),
        }
        region = Region("type-jobs", "portal/_type_jobs.html", is_live=any(not job.is_final for job in jobs))
        schedules = schedule_reads.with_rules(job_type.schedules.all())
        context["schedules"] = schedule_reads.schedule_rows(schedules[:SCHEDULES_SHOWN])
        context |= triggers_of(job_type)
        context["schemas"] = schema_reads.schema_rows(job_type)
        context["versions"] = list(JobTypeVersion.objects.filter(job_type=job_type).defer("snapshot")[:VERSIONS_SHOWN])
        context["streams"] = stream_summaries(job_type.config)
        context["guard_sentences"] = guard_sentences(job_type.guards)
        return self.draw(request, "portal/job_type_page.html", context, regions=[region])

    def _controller(self, job_type: SyncJobType) -> dict[str, Any]:
        """What is wrong with the type's controller, and with DEBUG the form that makes a missing one."""
        (choice,) = (choice for choice in controller_choices(job_type.controller) if choice.name == job_type.controller)
        offer = controller_file_offer(job_type.controller) if choice.problems else None
        form = ControllerFileForm(offer.app_labels, initial={"name": offer.controller}) if offer else None
        return {"controller": choice, "controller_form": form}
