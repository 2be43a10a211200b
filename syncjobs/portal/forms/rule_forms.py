"""The part of a schedule's form that says when: by the clock, at an interval, or once. A preview asks it alone."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from syncjobs.mapping.zones import find_zone
from syncjobs.schedule_times import Clocked, Crontab, Interval, Rule, moment_of, rule_warnings

UNITS = (("60", "minutes"), ("3600", "hours"), ("86400", "days"), ("604800", "weeks"), ("1", "seconds"))
NEEDED = {"interval": ("every", "unit"), "crontab": ("crontab", "zone"), "clocked": ("at", "zone")}


@cache
def zone_names() -> list[str]:
    """Every zone that the machine knows, in the order of the alphabet."""
    return sorted(available_timezones())


class WallTimeField(forms.DateTimeField):
    """A time as a clock on the wall shows it; which wall is said by the field beside it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            return datetime.fromisoformat(str(value).strip()).replace(tzinfo=None)
        except ValueError as error:
            raise ValidationError("Write a date and a time, such as 2027-01-31T02:30.") from error


class RuleForm(forms.Form):
    """A rule of one of three kinds; `cleaned_data["rule"]` holds it. `kept_rule` is the one that is stored now."""

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
    every = forms.IntegerField(label="Every", required=False, min_value=1, initial=1)
    unit = forms.ChoiceField(label="Unit", required=False, choices=UNITS, initial="3600")
    at = WallTimeField(label="At", required=False)
    zone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=63,
        help_text="Such as Europe/Berlin or UTC; it knows its summer.",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )

    def __init__(self, rule: Rule | None, data: Any = None, initial: Any = None) -> None:
        self.kept_rule = rule
        start = {"zone": timezone.get_current_timezone_name()} | (rule_values(rule) if rule else {})
        super().__init__(data, initial=start | (initial or {}))

    def which_rule(self) -> list[forms.BoundField]:
        return self.bound("kind")

    def crontab_fields(self) -> list[forms.BoundField]:
        return self.bound("crontab")

    def interval_fields(self) -> list[forms.BoundField]:
        return self.bound("every", "unit")

    def clocked_fields(self) -> list[forms.BoundField]:
        return self.bound("at")

    def zone_fields(self) -> list[forms.BoundField]:
        return self.bound("zone")

    def zones(self) -> list[str]:
        """What the field of the zone offers."""
        return zone_names()

    def bound(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        needed = self.needed
        for name in needed:
            if cleaned.get(name) in (None, "") and name not in self.errors:
                self.add_error(name, "This is needed for the rule that you chose.")
        if "zone" in needed and "zone" not in self.errors:
            self._check_zone()
        if needed and not any(name in self.errors for name in needed):
            self._check_rule()
        return cleaned

    def _check_zone(self) -> None:
        try:
            find_zone(self.cleaned_data["zone"].strip())
        except ValueError as error:
            self.add_error("zone", str(error))

    def _check_rule(self) -> None:
        try:
            rule = self.build_rule()
            if warnings := rule_warnings(rule, timezone.now()) if rule != self.kept_rule else []:
                raise ValueError(" ".join(warnings))
        except ValueError as error:
            self.add_error(self.rule_field, str(error))
        else:
            self.cleaned_data["rule"] = rule

    def build_rule(self) -> Rule:
        """The rule as typed; an interval that stays the same keeps its start. Raises ValueError with the reason."""
        cleaned = self.cleaned_data
        if cleaned["kind"] == "crontab":
            return Crontab.from_line(cleaned["crontab"], cleaned["zone"].strip())
        if cleaned["kind"] == "clocked":
            return Clocked(moment_of(cleaned["at"], cleaned["zone"].strip()))
        seconds = cleaned["every"] * int(cleaned["unit"])
        if isinstance(self.kept_rule, Interval) and self.kept_rule.seconds == seconds:
            return self.kept_rule
        return Interval(seconds, timezone.now().replace(microsecond=0))

    @property
    def needed(self) -> tuple[str, ...]:
        """The fields of the chosen kind; none without one."""
        return NEEDED.get(self.cleaned_data.get("kind") or "", ())

    @property
    def rule_field(self) -> str:
        """Where what is wrong with the rule is said."""
        return NEEDED[self.cleaned_data["kind"]][0]


def rule_values(rule: Rule) -> dict[str, Any]:
    """The form's values that say this rule."""
    match rule:
        case Crontab():
            line = " ".join((rule.minute, rule.hour, rule.day_of_month, rule.month, rule.day_of_week))
            return {"kind": "crontab", "crontab": line, "zone": rule.zone}
        case Clocked(at):
            return {"kind": "clocked", "at": timezone.localtime(at).replace(tzinfo=None)}
        case Interval(seconds):
            unit = next(size for size in (604_800, 86_400, 3_600, 60, 1) if seconds % size == 0)
            return {"kind": "interval", "every": seconds // unit, "unit": str(unit)}
