"""What is asked before a type is paused, and of a new controller's file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

MODES = [
    ("standard", "standard: name the target and say how it is filled; the framework compares, saves and keeps history"),
    ("bypass", "bypass: one function does everything, such as a call to another system"),
]


class PauseTypeForm(forms.Form):
    """Until when."""

    resume_at = forms.DateTimeField(
        label="Until",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        zone = timezone.get_current_timezone_name()
        self.fields["resume_at"].help_text = f"Then it resumes by itself; empty: when somebody resumes it. In {zone}."


class ControllerFileForm(forms.Form):
    """Name, place and kind of a new controller."""

    name = forms.CharField(
        max_length=100, help_text="Such as SAP Customer Sync; the file is named after it, and so is the controller."
    )
    app = forms.ChoiceField(help_text="One of your own apps, in SYNCDECK_APPS.")
    mode = forms.ChoiceField(choices=MODES, widget=forms.RadioSelect, initial="standard")

    def __init__(self, app_labels: tuple[str, ...], data: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        app = self.fields["app"]
        assert isinstance(app, forms.ChoiceField)  # noqa: S101 - declared above
        app.choices = [(label, label) for label in app_labels]
