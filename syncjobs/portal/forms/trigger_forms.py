"""The forms of webhooks and chains."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from syncjobs.models import Chain, SyncJobType, Webhook
from syncjobs.operations.visible import visible_job_types
from syncjobs.operations.webhooks import DEFAULT_HOURS, LONGEST_NAME, MOST_HOURS, SHAPE
from syncjobs.portal.forms.fields import StrictJSONField, limit_choices


class ShowingForm(forms.Form):
    """Puts an operation's problems at their fields."""

    def show(self, error: ValidationError) -> None:
        for field, texts in error.message_dict.items():
            for text in texts:
                self.add_error(field if field in self.fields else None, text)


class EditForm(ShowingForm):
    """Says which version of a row it was filled from."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)

    def edit(self, row: Webhook | Chain) -> None:
        """Let an operation refuse the edit where the row has become another version since."""
        row.version = self.cleaned_data["version"] or row.version


class WebhookForm(EditForm):
    """What it is called, and what of a body its jobs get."""

    name = forms.CharField(max_length=LONGEST_NAME, help_text="Such as who sends: “shop orders”.")
    enabled = forms.BooleanField(required=False, initial=True, help_text="Off: it answers as if it were not there.")
    overrides = StrictJSONField(
        label="Limits of its jobs",
        required=False,
        help_text='Fixed, whatever the body says. Empty object for none. Such as {"endpoints": ["crashes"]}.',
    )
    context_fields = StrictJSONField(
        kinds=(list,),
        label="Context from",
        required=False,
        help_text='Fields of the body for the context of its jobs, such as ["order"]. Empty list for the whole body.',
    )
    endpoints_field = forms.CharField(
        label="Streams from", required=False, max_length=100, help_text="The field of the body that lists streams."
    )
    start_date_field = forms.CharField(
        label="Start date from", required=False, max_length=100, help_text="The field of the body that has it."
    )
    end_date_field = forms.CharField(
        label="End date from", required=False, max_length=100, help_text="The field of the body that has it."
    )

    def __init__(self, webhook: Webhook | None, data: Any = None) -> None:
        start: dict[str, Any] = {"enabled": True, "overrides": {}, "context_fields": []}
        if webhook is not None:
            start = {name: getattr(webhook, name) for name in (*SHAPE, "version")}
        super().__init__(data, initial=start)


class RotateForm(ShowingForm):
    """How long the secret before is good."""

    hours = forms.IntegerField(
        label="Old secret ends after",
        min_value=0,
        max_value=MOST_HOURS,
        initial=DEFAULT_HOURS,
        help_text="Hours, in which both are good. 0: at once.",
    )


class ChainForm(EditForm):
    """What starts next, and after which ends."""

    to_type = forms.ModelChoiceField(SyncJobType.objects.none(), label="Then start")
    when = forms.ChoiceField(choices=Chain.When.choices, label="When")
    enabled = forms.BooleanField(required=False, initial=True, help_text="Off: it starts nothing.")

    def __init__(self, from_type: SyncJobType, chain: Chain | None, data: Any = None) -> None:
        start = {"enabled": True, "when": Chain.When.SUCCESS.value}
        if chain is not None:
            start = {"to_type": chain.to_type_id, "when": chain.when, "enabled": chain.enabled}
            start["version"] = chain.version
        super().__init__(data, initial=start)
        limit_choices(self.fields["to_type"], visible_job_types().exclude(pk=from_type.pk))
