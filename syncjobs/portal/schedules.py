"""The schedules' pages: list, form, on and off, delete. Only these edit schedules, and only through operations."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from syncjobs.models import Schedule, SyncJobType
from syncjobs.operations.schedules import (
    delete_schedule,
    describe_schedule,
    rule_of,
    save_schedule,
    set_schedule_enabled,
)
from syncjobs.portal import job_reads, schedule_reads
from syncjobs.portal.forms.schedule_forms import ScheduleForm
from syncjobs.portal.pages import FORM, POSTING, PortalAdmin, refuse, tell
from syncjobs.portal.paging import LARGEST_ID
from syncjobs.schedule_times import Rule

SCHEDULES_SHOWN, JOBS_SHOWN, RUNS_SHOWN = 500, 10, 5


class ScheduleAdmin(PortalAdmin):
    """When types run by themselves."""

    address = "schedules"

    def pages(self) -> list[URLPattern]:
        one = "<int:schedule_id>/"
        return [
            self.page("", self.schedule_list, "schedule_list"),
            self.page("add/", self.schedule_add, "schedule_add", needs="add", methods=FORM),
            self.page(one, self.schedule_page, "schedule_page"),
            self.page(f"{one}edit/", self.schedule_edit, "schedule_edit", needs="change", methods=FORM),
            self.page(f"{one}switch/", self.schedule_switch, "schedule_switch", needs="change", methods=POSTING),
            self.page(f"{one}delete/", self.schedule_delete, "schedule_delete", needs="delete", methods=FORM),
        ]

    def schedule_list(self, request: HttpRequest) -> HttpResponse:
        schedules = schedule_reads.with_rules(Schedule.objects.all())[:SCHEDULES_SHOWN]
        context = {
            "title": "Schedules",
            "rows": schedule_reads.schedule_rows(schedules),
            "may_add": self.has_add_permission(request),
            "may_change": self.has_change_permission(request),
        }
        return self.draw(request, "portal/schedule_list.html", context)

    def schedule_page(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        schedule = self._get(schedule_id)
        jobs = job_reads.listed_jobs().filter(schedule=schedule)[:JOBS_SHOWN]
        context: dict[str, Any] = {
            "title": str(schedule),
            "schedule": schedule,
            "row": schedule_reads.schedule_row(schedule, RUNS_SHOWN),
            "jobs": [{"job": job, "why": job_reads.why(job)} for job in jobs],
            "may_change": self.has_change_permission(request),
            "may_delete": self.has_delete_permission(request),
        }
        return self.draw(request, "portal/schedule_page.html", context)

    def schedule_add(self, request: HttpRequest) -> HttpResponse:
        chosen = SyncJobType.objects.filter(slug=request.GET.get("type", "")[:100]).first()
        initial = {"job_type": chosen.pk, "name": f"{chosen.name}, " if chosen else ""} if chosen else {}
        return self._edit(request, None, initial)

    def schedule_edit(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        return self._edit(request, self._get(schedule_id), {})

    def _edit(self, request: HttpRequest, schedule: Schedule | None, initial: dict[str, Any]) -> HttpResponse:
        rule = _readable_rule(schedule) if schedule else None
        form = ScheduleForm(schedule, rule, request.POST if request.method == "POST" else None, initial)
        if form.is_bound and form.is_valid() and (saved := self._save(request, form)):
            tell(request, f"{saved} is saved: {describe_schedule(saved)}.")
            return redirect("admin:schedule_page", saved.pk)
        context = {"form": form, "schedule": schedule, "title": f"Edit {schedule}" if schedule else "Add a schedule"}
        return self.draw(request, "portal/schedule_edit.html", context, status=422 if form.is_bound else 200)

    def _save(self, request: HttpRequest, form: ScheduleForm) -> Schedule | None:
        typed = form.cleaned_data
        try:
            return save_schedule(
                job_type=typed["job_type"],
                name=typed["name"],
                rule=typed["rule"],
                enabled=typed["enabled"],
                catch_up=typed["catch_up"],
                overrides=typed["overrides"],
                schedule=form.schedule,
                actor=request.user.get_username(),
            )
        except ValidationError as error:
            form.show(error)
        return None

    def schedule_switch(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        """On or off, as the posted `enabled` says, so that two clicks at once do not cancel each other out."""
        schedule = self._get(schedule_id)
        enabled = request.POST.get("enabled") == "yes"
        try:
            set_schedule_enabled(schedule, enabled, actor=request.user.get_username())
        except ValidationError as error:
            refuse(request, ValueError(" ".join(error.messages)))
        else:
            tell(request, f"{schedule} is {'on' if enabled else 'off'}.")
        return redirect("admin:schedule_page", schedule_id)

    def schedule_delete(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        schedule = self._get(schedule_id)
        if request.method == "POST":
            name = str(schedule)
            delete_schedule(schedule, actor=request.user.get_username())
            tell(request, f"{name} is deleted. The jobs that it started stay.")
            return redirect("admin:schedule_list")
        row = schedule_reads.schedule_row(schedule)
        context = {"schedule": schedule, "row": row, "title": f"Delete {schedule}"}
        return self.draw(request, "portal/schedule_delete.html", context)

    def _get(self, schedule_id: int) -> Schedule:
        found = schedule_reads.with_rules(Schedule.objects.filter(pk=min(schedule_id, LARGEST_ID))).first()
        if found is None:
            raise Http404(f"There is no schedule {schedule_id}.")
        return found


def _readable_rule(schedule: Schedule) -> Rule | None:
    """The rule to begin the form with; none where other means made one that cannot be read."""
    try:
        return rule_of(schedule)
    except ValueError:
        return None
