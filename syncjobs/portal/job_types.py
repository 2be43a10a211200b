"""The job types' pages: list, one type, its form, and running it. Every change is one call of an operation."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from connectors.errors import ConfigError
from connectors.models import EditConflict
from syncjobs.models import JobTypeVersion, SyncJob, SyncJobType
from syncjobs.operations.job_types import run_job_type, save_job_type
from syncjobs.operations.run_requests import RunRefused
from syncjobs.portal import job_reads, schedule_reads
from syncjobs.portal.forms.job_type_forms import JobTypeForm
from syncjobs.portal.forms.run_forms import RunForm
from syncjobs.portal.live import Region
from syncjobs.portal.pages import FORM, PortalAdmin, tell
from syncjobs.statuses import Trigger

TYPES_SHOWN, JOBS_SHOWN, VERSIONS_SHOWN, SCHEDULES_SHOWN = 500, 15, 20, 50
Types = QuerySet[SyncJobType, SyncJobType]


class SyncJobTypeAdmin(PortalAdmin):
    """Types are edited here. Running one makes a job, so it needs the permission to change jobs."""

    address = "job-types"

    def pages(self) -> list[URLPattern]:
        one = "<slug:slug>/"
        return [
            self.page("", self.job_type_list, "job_type_list"),
            self.page("-/add/", self.job_type_edit, "job_type_add", needs="add", methods=FORM),
            self.page("-/run/", self.job_type_choose, "job_type_choose"),
            self.page(f"{one}", self.job_type_page, "job_type_page"),
            self.page(f"{one}edit/", self.job_type_edit, "job_type_edit", needs="change", methods=FORM),
            self.page(f"{one}run/", self.job_type_run, "job_type_run", methods=FORM),
        ]

    def job_type_list(self, request: HttpRequest) -> HttpResponse:
        search = request.GET.get("q", "").replace("\0", "").strip()[:200]
        found = self._with_last_job(SyncJobType.objects.select_related("source_connector", "target_connector"))
        types = list((found.filter(name__icontains=search) if search else found)[:TYPES_SHOWN])
        last = job_reads.listed_jobs().in_bulk([item.last_job_id for item in types if item.last_job_id])
        rows = [{"type": item, "last": last.get(item.last_job_id)} for item in types]
        context = {"title": "Job types", "rows": rows, "search": search, "may_add": self.has_add_permission(request)}
        return self.draw(request, "portal/job_type_list.html", context)

    def _with_last_job(self, types: Types) -> Any:
        newest = SyncJob.objects.filter(job_type=OuterRef("pk"), parent=None).order_by("-id").values("id")[:1]
        return types.annotate(last_job_id=Subquery(newest))

    def job_type_page(self, request: HttpRequest, slug: str) -> HttpResponse:
        job_type = self._get(slug)
        jobs = list(job_reads.listed_jobs().filter(job_type=job_type, parent=None)[:JOBS_SHOWN])
        context: dict[str, Any] = {
            "title": str(job_type),
            "type": job_type,
            "jobs": [{"job": job, "why": job_reads.why(job)} for job in jobs],
            "may_run": self._may_run(request),
            "may_change": self.has_change_permission(request),
            "may_do": [verb for verb in ("insert", "update") if getattr(job_type, f"{verb}_enabled")],
        }
        region = Region("type-jobs", "portal/_type_jobs.html", is_live=any(not job.is_final for job in jobs))
        schedules = schedule_reads.with_rules(job_type.schedules.all())
        context["schedules"] = schedule_reads.schedule_rows(schedules[:SCHEDULES_SHOWN])
        context["versions"] = list(JobTypeVersion.objects.filter(job_type=job_type)[:VERSIONS_SHOWN])
        context["shown_version"] = self._shown_version(request, job_type)
        return self.draw(request, "portal/job_type_page.html", context, regions=[region])

    def _shown_version(self, request: HttpRequest, job_type: SyncJobType) -> JobTypeVersion | None:
        number = request.GET.get("version", "")
        if not (number.isascii() and number.isdigit() and len(number) < 9):
            return None
        return JobTypeVersion.objects.filter(job_type=job_type, number=int(number)).first()

    def job_type_edit(self, request: HttpRequest, slug: str | None = None) -> HttpResponse:
        job_type = None if slug is None else self._get(slug)
        form = JobTypeForm(request.POST if request.method == "POST" else None, instance=job_type)
        if request.method == "POST" and form.is_valid() and self._save(request, form):
            tell(request, f"{form.instance} is saved as version {form.instance.version}.")
            return redirect("admin:job_type_page", form.instance.slug)
        context = {"form": form, "type": job_type, "title": f"Edit {job_type}" if job_type else "Add a job type"}
        status = 422 if form.is_bound else 200
        return self.draw(request, "portal/job_type_edit.html", context, status=status)

    def _save(self, request: HttpRequest, form: JobTypeForm) -> bool:
        try:
            save_job_type(form.instance, actor=request.user.get_username())
        except ValidationError as error:
            form.add_error(None, error)
        except EditConflict as conflict:
            form.add_error(None, f"Not saved: {conflict}.")
        return not form.errors

    def job_type_choose(self, request: HttpRequest) -> HttpResponse:
        """The quick action "Run a sync": which one?"""
        types = list(SyncJobType.objects.filter(paused_at=None)[:TYPES_SHOWN])
        context = {"title": "Run a sync", "types": types, "may_run": self._may_run(request)}
        return self.draw(request, "portal/job_type_choose.html", context)

    def job_type_run(self, request: HttpRequest, slug: str) -> HttpResponse:
        if not self._may_run(request):
            raise PermissionDenied
        job_type = self._get(slug)
        form = RunForm(job_type, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and (job := self._run(request, job_type, form)):
            tell(request, f"Job #{job.pk} is queued{', as a dry run' if job.dry_run else ''}.")
            return redirect("admin:job_page", job.pk)
        context = {"title": f"Run {job_type}", "type": job_type, "form": form}
        return self.draw(request, "portal/job_type_run.html", context, status=422 if form.is_bound else 200)

    def _run(self, request: HttpRequest, job_type: SyncJobType, form: RunForm) -> SyncJob | None:
        user = request.user
        assert user.is_authenticated  # noqa: S101 - pages are for staff; told to the type checker
        try:
            return run_job_type(job_type, trigger=Trigger.MANUAL, actor=user.get_username(), user=user, **form.limits)
        except ConfigError as error:
            form.add_error(None, " ".join(filter(None, (f"{error.message}.", error.hint))))
        except RunRefused as error:
            form.add_error(None, f"{error}.")
        return None

    def _may_run(self, request: HttpRequest) -> bool:
        return request.user.has_perm("syncjobs.change_syncjob")

    def _get(self, slug: str) -> SyncJobType:
        found = SyncJobType.objects.select_related("source_connector", "target_connector", "paused_by")
        job_type = found.filter(slug=slug).first()
        if job_type is None:
            raise Http404(f"There is no job type '{slug}'.")
        return job_type
