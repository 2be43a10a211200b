"""Pausing and resuming a type, each by one call of an operation."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from connectors.models import EditConflict
from syncjobs.models import SyncJobType
from syncjobs.operations.job_type_states import JobTypeStateConflict, pause_job_type, resume_job_type
from syncjobs.portal.forms.type_action_forms import PauseTypeForm
from syncjobs.portal.job_type_run_views import get_job_type
from syncjobs.portal.pages import FORM, POSTING, PortalAdmin, refuse, signed_in_user, tell
from syncjobs.statuses import ACTIVE


class JobTypeStateViews:
    """The pages that need the permission to change types."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page = self._admin.page
        return [
            page("<slug:slug>/pause/", self.pause, "job_type_pause", needs="change", methods=FORM),
            page("<slug:slug>/resume/", self.resume, "job_type_resume", needs="change", methods=POSTING),
        ]

    def pause(self, request: HttpRequest, slug: str) -> HttpResponse:
        job_type = get_job_type(slug)
        form = PauseTypeForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and self._pause(request, job_type, form):
            return redirect("admin:job_type_page", slug)
        context = {
            "title": f"Pause {job_type}",
            "type": job_type,
            "form": form,
            "active": job_type.jobs.filter(status__in=ACTIVE).count(),
        }
        status = 422 if form.is_bound else 200
        return self._admin.draw(request, "portal/job_type_pause.html", context, status=status)

    def _pause(self, request: HttpRequest, job_type: SyncJobType, form: PauseTypeForm) -> bool:
        """Whether the person is to go on to the type's page, where it is paused or the reason why not is told."""
        user = signed_in_user(request)
        try:
            pause_job_type(job_type, actor=user.get_username(), user=user, resume_at=form.cleaned_data["resume_at"])
        except ValidationError as error:
            form.add_error(None, error)
            return False
        except (JobTypeStateConflict, EditConflict) as conflict:
            refuse(request, conflict)
        else:
            tell(request, f"{job_type} is paused. It starts nothing, and its active jobs pause.")
        return True

    def resume(self, request: HttpRequest, slug: str) -> HttpResponse:
        job_type = get_job_type(slug)
        try:
            resume_job_type(job_type, actor=request.user.get_username())
        except (JobTypeStateConflict, EditConflict) as conflict:
            refuse(request, conflict)
        else:
            tell(request, f"{job_type} is resumed. The jobs that its pause stopped go on.")
        return redirect("admin:job_type_page", slug)
