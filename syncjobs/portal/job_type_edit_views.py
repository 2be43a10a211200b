"""The form of a type: its fields, a look at real records, and what would change, before anything is saved."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import URLPattern
from django_htmx.http import HttpResponseClientRedirect, reselect, retarget

from syncjobs.models import SyncJobType
from syncjobs.operations.job_type_differences import list_consequences, list_differences
from syncjobs.operations.query_rights import SENTENCE, may_edit_sql
from syncjobs.portal import schedule_reads
from syncjobs.portal.controller_file_views import may_make_files
from syncjobs.portal.entered_types import EnteredType
from syncjobs.portal.forms.controller_choices import document_types
from syncjobs.portal.job_type_run_views import get_job_type
from syncjobs.portal.pages import FORM, PortalAdmin, signed_in_user, tell

SCHEDULES_SHOWN = 20


class JobTypeEditViews:
    """Adding needs the permission to add types, editing the one to change them."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page = self._admin.page
        return [
            page("-/add/", self.edit, "job_type_add", needs="add", methods=FORM),
            page("<slug:slug>/edit/", self.edit, "job_type_edit", needs="change", methods=FORM),
        ]

    def edit(self, request: HttpRequest, slug: str | None = None) -> HttpResponse:
        entered = EnteredType(request, None if slug is None else get_job_type(slug))
        if request.method != "POST":
            return self._draw(request, entered)
        default = "refresh" if request.POST.get("config_as") else "save"
        verb, _, target = request.POST.get("do", default).partition(" ")
        if verb == "save":
            return self._save(request, entered)
        if verb == "review":
            return self._review(request, entered)
        entered.press(verb, target)
        return self._draw(request, entered)

    def _save(self, request: HttpRequest, entered: EnteredType) -> HttpResponse:
        if not entered.save():
            return self._draw(request, entered, is_refused=True)
        job_type = entered.job_type
        tell(request, f"{job_type} is saved as version {job_type.version}.")
        if request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(resolve_url("admin:job_type_page", job_type.slug))
        return redirect("admin:job_type_page", job_type.slug)

    def _review(self, request: HttpRequest, entered: EnteredType) -> HttpResponse:
        if not entered.check():
            return self._draw(request, entered, is_refused=True)
        stored, after = entered.stored, entered.job_type.snapshot()
        context = {
            "title": f"What saving {stored} would change" if stored else f"Check {entered.job_type}",
            "type": stored,
            "entered": entered.job_type,
            "differences": list_differences(stored.snapshot() if stored else {}, after),
            "consequences": list_consequences(stored, after) if stored else [],
            "posted": entered.posted(),
        }
        response = self._admin.draw(request, "portal/job_type_review.html", context)
        return retarget(reselect(response, "main"), "main")

    def _draw(self, request: HttpRequest, entered: EnteredType, *, is_refused: bool = False) -> HttpResponse:
        stored = entered.stored
        context = {
            "form": entered.form,
            "type": stored,
            "title": f"Edit {stored}" if stored else "Add a job type",
            "document_types": document_types(),
            "may_make_files": may_make_files(),
            "may_edit_sql": may_edit_sql(signed_in_user(request)),
            "query_sentence": SENTENCE,
            "schedules": self._schedules(stored),
            **entered.drawn(),
        }
        is_htmx = request.headers.get("HX-Request") == "true"
        response = self._admin.draw(
            request, "portal/job_type_edit.html", context, status=422 if is_refused and not is_htmx else 200
        )
        if is_htmx and entered.problems:  # they stand all over the form, not only where the button is
            retarget(reselect(response, "#type-form"), "#type-form")
        return response

    def _schedules(self, stored: SyncJobType | None) -> list[schedule_reads.ScheduleRow]:
        if stored is None:
            return []
        schedules = schedule_reads.with_rules(stored.schedules.all())[:SCHEDULES_SHOWN]
        return [schedule_reads.schedule_row(schedule) for schedule in schedules]
