"""Running a type: which one, and within what limits or about which document. Each run is one call of an operation."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils import timezone

from connectors.errors import ConfigError
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.enqueueing import enqueue_sync_job
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.run_requests import RunRefused
from syncjobs.operations.visible import visible_job_types
from syncjobs.portal.forms.controller_choices import document_types
from syncjobs.portal.forms.run_forms import BackfillForm, DocumentRunForm, RunForm, window_fields
from syncjobs.portal.pages import FORM, PortalAdmin, signed_in_user, tell
from syncjobs.portal.words import error_words
from syncjobs.statuses import Trigger

TYPES_SHOWN = 500


class JobTypeRunViews:
    """The pages that start a job of a type, which needs the permission to change jobs."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        return [
            self._admin.page("-/run/", self.choose, "job_type_choose"),
            self._admin.page("<slug:slug>/run/", self.run, "job_type_run", methods=FORM),
            self._admin.page("<slug:slug>/backfill/", self.backfill, "job_type_backfill", methods=FORM),
        ]

    def choose(self, request: HttpRequest) -> HttpResponse:
        """The quick action "Run a sync": which one?"""
        types = visible_job_types().filter(paused_at=None)[:TYPES_SHOWN]
        rows = [{"type": job_type, "has_streams": has_streams(job_type)} for job_type in types]
        context = {"title": "Run a sync", "rows": rows, "may_run": may_run(request)}
        return self._admin.draw(request, "portal/job_type_choose.html", context)

    def run(self, request: HttpRequest, slug: str) -> HttpResponse:
        if not may_run(request):
            raise PermissionDenied
        job_type = get_job_type(slug)
        kind = RunForm if has_streams(job_type) else DocumentRunForm
        form = kind(job_type, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and (job := _run(request, job_type, form)):
            tell(request, f"Job #{job.pk} is queued{', as a dry run' if job.dry_run else ''}.")
            return redirect("admin:job_page", job.pk)
        context = {"title": f"Run {job_type}", "type": job_type, "form": form, "document_types": document_types()}
        context |= {"is_about_document": isinstance(form, DocumentRunForm)}
        status = 422 if form.is_bound else 200
        return self._admin.draw(request, "portal/job_type_run.html", context, status=status)

    def backfill(self, request: HttpRequest, slug: str) -> HttpResponse:
        """One job for a range of dates, of the streams that have a window field."""
        if not may_run(request):
            raise PermissionDenied
        job_type = get_job_type(slug)
        form = BackfillForm(job_type, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and (job := _run(request, job_type, form)):
            tell(request, f"Job #{job.pk} is queued, for {form.range_text}{', as a dry run' if job.dry_run else ''}.")
            return redirect("admin:job_page", job.pk)
        streams = [stream for stream in job_type.config.get("streams", []) if isinstance(stream, dict)]
        context = {
            "title": f"Backfill {job_type}",
            "type": job_type,
            "form": form,
            "windows": window_fields(job_type),
            "mirrors": any(stream.get("mode") == "mirror" for stream in streams),
            "zone": timezone.get_default_timezone_name(),
        }
        status = 422 if form.is_bound else 200
        return self._admin.draw(request, "portal/job_type_backfill.html", context, status=status)


def _run(request: HttpRequest, job_type: SyncJobType, form: RunForm | DocumentRunForm) -> SyncJob | None:
    """The new job; None if the form now says why there is none."""
    user = signed_in_user(request)
    try:
        if isinstance(form, RunForm):
            return run_job_type(job_type, trigger=Trigger.MANUAL, actor=user.get_username(), user=user, **form.limits)
        return enqueue_sync_job(sync_job_type=job_type, trigger_type=Trigger.MANUAL, user=user, **form.limits)
    except ConfigError as error:
        form.add_error(None, error_words(error))
    except RunRefused as error:
        form.add_error(None, f"{str(error)[:1].upper()}{str(error)[1:]}.")
    return None


def has_streams(job_type: SyncJobType) -> bool:
    """Whether its jobs sync streams, and so can be limited to dates; the others are about a document each."""
    return "streams" in job_type.config


def may_run(request: HttpRequest) -> bool:
    return request.user.has_perm("syncjobs.change_syncjob")


def get_job_type(slug: str) -> SyncJobType:
    """The type with the rows its pages name. Raises Http404."""
    found = visible_job_types().select_related("source_connector", "target_connector", "paused_by")
    job_type = found.filter(slug=slug).first()
    if job_type is None:
        raise Http404(f"There is no job type '{slug}'.")
    return job_type
