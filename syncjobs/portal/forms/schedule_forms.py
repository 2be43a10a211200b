"""The form of a schedule: a rule of one of three kinds, and what its runs are limited to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from syncjobs.models import Schedule, SyncJobType
from syncjobs.portal.forms.fields import StrictJSONField
from syncjobs.schedule_times import Clocked, Crontab, Interval, Rule

UNITS = (("60", "minutes"), ("3600", "hours"), ("86400", "days"), ("604800", "weeks"), ("1", "seconds"))
LONGEST_NAME = 200
NEEDED = {"interval": ("every", "unit"), "crontab": ("crontab", "zone"), "clocked": ("at",)}


class ScheduleForm(forms.Form):
    """Type, name, rule, on or off, catch-up, limits."""

    job_type = forms.ModelChoiceField(SyncJobType.objects.all(), label="Job type")
    name = forms.CharField(max_length=LONGEST_NAME, help_text="Such as: Airports, daily 02:08. Each name once.")
    kind = forms.ChoiceField(
        label="Runs",
        choices=[
            ("crontab", "by the clock (crontab)"),
            ("interval", "at an interval"),
            ("clocked", "once"),
        ],
        widget=forms.RadioSelect,
        initial="crontab",
    )
    crontab = forms.CharField(
        label="Crontab",
        required=False,
        max_length=1_200,
        initial="8 2 * * *",
        help_text="Minute, hour, day of month, month, day of week: 8 2 * * 1-5 is 02:08 from Monday to Friday.",
    )
    zone = forms.CharField(
        label="Time zone", required=False, max_length=63, help_text="Such as Europe/Berlin or UTC; it knows its summer."
    )
    every = forms.IntegerField(label="Every", required=False, min_value=1, initial=1)
    unit = forms.ChoiceField(label="Unit", required=False, choices=UNITS, initial="3600")
    at = forms.DateTimeField(
        label="At",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    enabled = forms.BooleanField(required=False, initial=True, help_text="Off: it waits, and runs nothing.")
    catch_up = forms.ChoiceField(
        label="If runs were missed", choices=Schedule.CatchUp.choices, initial=Schedule.CatchUp.LATEST
    )
    overrides = StrictJSONField(
        label="Limits of its runs",
        required=False,
        help_text='Empty object for none. Such as {"endpoints": ["crashes"], "batch_size": 5000}.',
    )

    def __init__(self, schedule: Schedule | None, rule: Rule | None, data: Any = None, initial: Any = None) -> None:
        self.schedule = schedule
        start = {"zone": timezone.get_current_timezone_name(), "overrides": {}} | (initial or {})
        if schedule is not None:
            start |= {
                "job_type": schedule.job_type_id,
                "name": schedule.periodic_task.name,
                "enabled": schedule.periodic_task.enabled,
                "catch_up": schedule.catch_up,
                "overrides": schedule.overrides,
            } | (rule_values(rule) if rule else {})
        self.kept_rule = rule
        super().__init__(data, initial=start)
        self.fields["at"].help_text = f"In {timezone.get_current_timezone_name()}."

    def what(self) -> list[forms.BoundField]:
        return self._bound("job_type", "name")

    def which_rule(self) -> list[forms.BoundField]:
        return self._bound("kind")

    def crontab_fields(self) -> list[forms.BoundField]:
        return self._bound("crontab", "zone")

    def interval_fields(self) -> list[forms.BoundField]:
        return self._bound("every", "unit")

    def clocked_fields(self) -> list[forms.BoundField]:
        return self._bound("at")

    def how(self) -> list[forms.BoundField]:
        return self._bound("enabled", "catch_up", "overrides")

    def _bound(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind = cleaned.get("kind")
        for name in NEEDED.get(kind or "", ()):
            if cleaned.get(name) in (None, "") and name not in self.errors:
                self.add_error(name, "This is needed for the rule that you chose.")
        if not self.errors:
            self._check_rule()
        return cleaned

    def _check_rule(self) -> None:
        try:
            rule = self.build_rule()
        except ValueError as error:
            self.add_error(self._rule_field, str(error))
            return
        self.cleaned_data["rule"] = rule

    def build_rule(self) -> Rule:
        """The rule as typed; an interval that stays the same keeps its start. Raises ValueError with the reason."""
        cleaned = self.cleaned_data
        if cleaned["kind"] == "crontab":
            return Crontab.from_line(cleaned["crontab"], cleaned["zone"].strip())
        if cleaned["kind"] == "clocked":
            return Clocked(cleaned["at"])
        seconds = cleaned["every"] * int(cleaned["unit"])
        if isinstance(self.kept_rule, Interval) and self.kept_rule.seconds == seconds:
            return self.kept_rule
        return Interval(seconds, timezone.now().replace(microsecond=0))

    def show(self, error: ValidationError) -> None:
        """Put an operation's problems at their fields."""
        by_field = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        for field, texts in by_field.items():
            place = self._rule_field if field == "rule" else field
            for text in texts:
                self.add_error(place if place in self.fields else None, text)

    @property
    def _rule_field(self) -> str:
        """Where what is wrong with the rule is said."""
        return NEEDED[self.cleaned_data["kind"]][0]


def rule_values(rule: Rule) -> dict[str, Any]:
    """The form's values that say this rule."""
    match rule:
        case Crontab():
            line = " ".join((rule.minute, rule.hour, rule.day_of_month, rule.month, rule.day_of_week))
            return {"kind": "crontab", "crontab": line, "zone": rule.zone}
        case Clocked(at):
            return {"kind": "clocked", "at": _local(at)}
        case Interval(seconds):
            unit = next(size for size in (604_800, 86_400, 3_600, 60, 1) if seconds % size == 0)
            return {"kind": "interval", "every": seconds // unit, "unit": str(unit)}


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment)
