"""What a person does with a schedule: switch it, run it now, delete it, see when a rule would run, see them all."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern
from django.utils import timezone

from connectors.errors import ConfigError
from connectors.models import EditConflict
from syncjobs.operations.run_requests import RunRefused
from syncjobs.operations.schedule_rules import readable_rule
from syncjobs.operations.schedule_runs import run_schedule_now
from syncjobs.operations.schedules import delete_schedule, set_schedule_enabled
from syncjobs.operations.visible import visible_schedules
from syncjobs.portal import schedule_reads
from syncjobs.portal.calendar_reads import read_calendar
from syncjobs.portal.forms.rule_forms import RuleForm
from syncjobs.portal.job_type_run_views import may_run
from syncjobs.portal.pages import FORM, POSTING, PortalAdmin, refuse, signed_in_user, tell
from syncjobs.portal.paging import read_id
from syncjobs.portal.words import error_words
from syncjobs.schedule_times import describe, next_times
from syncjobs.statuses import Trigger

RUNS_SHOWN = 5


class ScheduleActionViews:
    """Each is one call of an operation, or looks ahead."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        one, page = "<int:schedule_id>/", self._admin.page
        return [
            page("calendar/", self.calendar, "schedule_calendar"),
            page("preview/", self.preview, "schedule_preview", methods=POSTING),
            page(f"{one}switch/", self.switch, "schedule_switch", needs="change", methods=POSTING),
            page(f"{one}run/", self.run, "schedule_run", methods=POSTING),
            page(f"{one}delete/", self.delete, "schedule_delete", needs="delete", methods=FORM),
        ]

    def calendar(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        context = {"title": "The next 24 hours", "now": now, "calendar": read_calendar(now)}
        context |= {"zone": timezone.get_current_timezone_name()}
        return self._admin.draw(request, "portal/schedule_calendar.html", context)

    def preview(self, request: HttpRequest) -> HttpResponse:
        """What a rule that is being typed would mean; nothing is kept."""
        kept = visible_schedules().filter(pk=read_id(request, "schedule") or 0)
        form = RuleForm(readable_rule(schedule_reads.with_rules(kept).first()), request.POST)
        context = {}
        if form.is_valid():
            rule = form.cleaned_data["rule"]
            runs = next_times(rule, timezone.now(), RUNS_SHOWN)
            zone = form.cleaned_data["zone"].strip() if "zone" in form.needed else schedule_reads.zone_of(rule)
            context = {"words": f"{describe(rule)}.", "times": schedule_reads.run_times(runs, zone)}
        else:
            context = {"problems": [text for texts in form.errors.values() for text in texts]}
        return render(request, "portal/_rule_preview.html", context)

    def switch(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        """On or off, as the posted `enabled` says, so that two clicks at once do not cancel each other out."""
        schedule = schedule_reads.get_schedule(schedule_id)
        enabled = request.POST.get("enabled") == "yes"
        try:
            set_schedule_enabled(schedule, enabled, actor=request.user.get_username())
        except ValidationError as error:
            refuse(request, ValueError(" ".join(error.messages)))
        except EditConflict as conflict:
            refuse(request, conflict)
        else:
            tell(request, f"{schedule} is {'on' if enabled else 'off'}.")
        return redirect("admin:schedule_page", schedule_id)

    def run(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        """Now, with the limits that its runs have."""
        if not may_run(request):
            raise PermissionDenied
        schedule, user = schedule_reads.get_schedule(schedule_id), signed_in_user(request)
        try:
            job = run_schedule_now(schedule, trigger=Trigger.MANUAL, actor=user.get_username(), user=user)
        except RunRefused as refusal:
            refuse(request, refusal)
        except ConfigError as error:
            refuse(request, ValueError(error_words(error)))
        else:
            tell(request, f"Job #{job.pk} is queued. When {schedule} is next due stays as it is.")
            return redirect("admin:job_page", job.pk)
        return redirect("admin:schedule_page", schedule_id)

    def delete(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        schedule = schedule_reads.get_schedule(schedule_id)
        if request.method == "POST":
            name = str(schedule)
            try:
                delete_schedule(schedule, actor=request.user.get_username())
            except EditConflict as conflict:
                refuse(request, conflict)
                return redirect("admin:schedule_delete", schedule_id)
            tell(request, f"{name} is deleted. The jobs that it started stay.")
            return redirect("admin:schedule_list")
        row = schedule_reads.schedule_row(schedule)
        context = {"schedule": schedule, "row": row, "title": f"Delete {schedule}"}
        return self._admin.draw(request, "portal/schedule_delete.html", context)
