"""What is asked before a verb is done: a reason, or whether it is forced."""

from __future__ import annotations

from django import forms

LONGEST_REASON = 300


class ActionForm(forms.Form):
    """Asks for nothing but a click."""

    @property
    def reason_given(self) -> str:
        return str(self.cleaned_data.get("reason", ""))

    @property
    def is_forced(self) -> bool:
        return bool(self.cleaned_data.get("force", False))


class ReasonForm(ActionForm):
    """Why; the history of the job keeps it."""

    reason = forms.CharField(
        max_length=LONGEST_REASON, required=False, help_text="Kept in the job's history; may stay empty."
    )


class ForceForm(ActionForm):
    """Whether it begins even though something speaks for waiting."""

    force = forms.BooleanField(
        required=False,
        help_text="Ignore an active job of the same kind, an equal one that waits, and a kept position. "
        "It never passes over a guard, and two jobs never write to the same target at once.",
    )


class NeededReasonForm(ActionForm):
    """Why, which must be said."""

    reason = forms.CharField(max_length=LONGEST_REASON, help_text="Why nothing more needs to be done; kept with them.")
