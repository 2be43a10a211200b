"""The form of a schedule: what runs, when, and what its runs are limited to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from syncjobs.models import Schedule, SyncJobType
from syncjobs.operations.visible import visible_job_types
from syncjobs.portal.forms.fields import StrictJSONField, limit_choices
from syncjobs.portal.forms.rule_forms import RuleForm
from syncjobs.schedule_times import Rule

LONGEST_NAME = 200


class ScheduleForm(RuleForm):
    """Type, name, rule, on or off, catch-up, limits."""

    job_type = forms.ModelChoiceField(SyncJobType.objects.none(), label="Job type")
    name = forms.CharField(max_length=LONGEST_NAME, help_text="Such as: Airports, daily 02:08. Each name once.")
    enabled = forms.BooleanField(required=False, initial=True, help_text="Off: it waits, and runs nothing.")
    catch_up = forms.ChoiceField(
        label="If runs were missed", choices=Schedule.CatchUp.choices, initial=Schedule.CatchUp.LATEST
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)
    overrides = StrictJSONField(
        label="Limits of its runs",
        required=False,
        help_text='Empty object for none. Such as {"endpoints": ["crashes"], "batch_size": 5000}.',
    )

    def __init__(self, schedule: Schedule | None, rule: Rule | None, data: Any = None, initial: Any = None) -> None:
        self.schedule = schedule
        start = {"overrides": {}} | (initial or {})
        if schedule is not None:
            start |= {
                "job_type": schedule.job_type_id,
                "name": schedule.periodic_task.name,
                "enabled": schedule.periodic_task.enabled,
                "catch_up": schedule.catch_up,
                "version": schedule.version,
                "overrides": schedule.overrides,
            }
        super().__init__(rule, data, start)
        limit_choices(self.fields["job_type"], visible_job_types())

    def what(self) -> list[forms.BoundField]:
        return self.bound("job_type", "name")

    def how(self) -> list[forms.BoundField]:
        return self.bound("enabled", "catch_up", "overrides")

    def show(self, error: ValidationError) -> None:
        """Put an operation's problems at their fields."""
        by_field = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        for field, texts in by_field.items():
            place = self.rule_field if field == "rule" else field
            for text in texts:
                self.add_error(place if place in self.fields else None, text)
