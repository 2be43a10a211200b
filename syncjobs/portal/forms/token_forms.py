"""The form of a new API token."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.core.exceptions import ValidationError

from syncjobs.clock import db_now
from syncjobs.operations.tokens import DEFAULT_DAYS, LONGEST_NAME
from syncjobs.scopes import SCOPES

SPANS = [(30, "30 days"), (DEFAULT_DAYS, "90 days"), (365, "a year"), (0, "never")]


class TokenForm(forms.Form):
    """What the token is for, what it may do, and for how long."""

    name = forms.CharField(max_length=LONGEST_NAME, help_text="Such as where it is used: “nightly build”.")
    scopes = forms.MultipleChoiceField(
        label="May",
        choices=[(scope, f"{scope}: {told}") for scope, told in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than you may yourself.",
    )
    days = forms.TypedChoiceField(label="Expires", choices=SPANS, coerce=int, initial=DEFAULT_DAYS)

    @property
    def expires_at(self) -> datetime | None:
        days: int = self.cleaned_data["days"]
        return db_now() + timedelta(days=days) if days else None

    def show(self, error: ValidationError) -> None:
        """Put the operation's problems at their fields."""
        for field, texts in error.message_dict.items():
            for text in texts:
                self.add_error(field if field in self.fields else None, text)
