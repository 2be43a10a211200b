"""The schedules' pages: list, one schedule, its form. Only the portal's pages edit schedules, through operations."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from connectors.models import EditConflict
from syncjobs.models import Schedule
from syncjobs.operations.schedule_rules import readable_rule
from syncjobs.operations.schedules import describe_schedule, save_schedule
from syncjobs.operations.visible import visible_job_types, visible_schedules
from syncjobs.portal import job_reads, schedule_reads
from syncjobs.portal.forms.schedule_forms import ScheduleForm
from syncjobs.portal.job_type_run_views import may_run
from syncjobs.portal.pages import FORM, PortalAdmin, tell
from syncjobs.portal.paging import page_by_number
from syncjobs.portal.schedule_action_views import RUNS_SHOWN, ScheduleActionViews

SCHEDULES_A_PAGE, JOBS_SHOWN = 50, 10


class ScheduleAdmin(PortalAdmin):
    """When types run by themselves."""

    address = "schedules"

    def pages(self) -> list[URLPattern]:
        one = "<int:schedule_id>/"
        return [
            self.page("", self.schedule_list, "schedule_list"),
            self.page("add/", self.schedule_add, "schedule_add", needs="add", methods=FORM),
            *ScheduleActionViews(self).pages(),
            self.page(one, self.schedule_page, "schedule_page"),
            self.page(f"{one}edit/", self.schedule_edit, "schedule_edit", needs="change", methods=FORM),
        ]

    def schedule_list(self, request: HttpRequest) -> HttpResponse:
        wanted = schedule_reads.ScheduleFilter.from_query(request.GET)
        found = schedule_reads.with_rules(wanted.apply(visible_schedules()))
        page = page_by_number(request, found, SCHEDULES_A_PAGE)
        context = {
            "title": "Schedules",
            "page": page,
            "rows": schedule_reads.schedule_rows(page.rows),
            "filter": wanted,
            "states": {word: label for word, (label, _) in schedule_reads.STATES.items()},
            "types": job_reads.type_choices(),
            "may_run": may_run(request),
            "may_add": self.has_add_permission(request),
            "may_change": self.has_change_permission(request),
        }
        return self.draw(request, "portal/schedule_list.html", context)

    def schedule_page(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        schedule = schedule_reads.get_schedule(schedule_id)
        jobs = job_reads.listed_jobs().filter(schedule=schedule)[:JOBS_SHOWN]
        context: dict[str, Any] = {
            "title": str(schedule),
            "schedule": schedule,
            "row": schedule_reads.schedule_row(schedule, RUNS_SHOWN),
            "jobs": [{"job": job, "why": job_reads.why(job)} for job in jobs],
            "may_change": self.has_change_permission(request),
            "may_run": may_run(request),
            "may_delete": self.has_delete_permission(request),
        }
        return self.draw(request, "portal/schedule_page.html", context)

    def schedule_add(self, request: HttpRequest) -> HttpResponse:
        chosen = visible_job_types().filter(slug=request.GET.get("type", "")[:100]).first()
        initial = {"job_type": chosen.pk, "name": schedule_reads.free_name(chosen.name)} if chosen else {}
        return self._edit(request, None, initial)

    def schedule_edit(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        return self._edit(request, schedule_reads.get_schedule(schedule_id), {})

    def _edit(self, request: HttpRequest, schedule: Schedule | None, initial: dict[str, Any]) -> HttpResponse:
        rule = readable_rule(schedule)
        form = ScheduleForm(schedule, rule, request.POST if request.method == "POST" else None, initial)
        if form.is_bound and form.is_valid() and (saved := self._save(request, form)):
            tell(request, f"{saved} is saved: {describe_schedule(saved)}.")
            return redirect("admin:schedule_page", saved.pk)
        context = {"form": form, "schedule": schedule, "title": f"Edit {schedule}" if schedule else "Add a schedule"}
        return self.draw(request, "portal/schedule_edit.html", context, status=422 if form.is_bound else 200)

    def _save(self, request: HttpRequest, form: ScheduleForm) -> Schedule | None:
        typed = form.cleaned_data
        if form.schedule is not None and typed.get("version"):
            form.schedule.version = typed["version"]
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
        except EditConflict as conflict:
            form.add_error(None, f"Not saved: {conflict}.")
        return None
