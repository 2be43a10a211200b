"""The form of a job type: its columns, with configuration and guards as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings

from syncjobs.models import SyncJobType
from syncjobs.operations.visible import visible_connectors
from syncjobs.portal.forms.controller_choices import ControllerSelect, controller_choices
from syncjobs.portal.forms.fields import StrictJSONField, limit_choices

if TYPE_CHECKING:
    JobTypeModelForm = forms.ModelForm[SyncJobType]
else:
    JobTypeModelForm = forms.ModelForm  # cannot be subscripted when running

DOCUMENT_TYPE_HELP = "A model such as crm.Customer, or a connector's stream such as erp/customers."
QUIET_TIMES = ("watch_quiet_seconds", "watch_most_seconds")
ONLY_FOR = {
    "documents": (
        *("source_document_type", "target_document_type", "keep_tombstones"),
        *("watch_saves", "watch_quiet_seconds", "watch_most_seconds", "watch_job_saves"),
        *("delete_enabled", "update_without_changes_enabled"),
    ),
    "streams": ("guards", "changes_kept"),
}
"""Which fields have an effect in one grain of sync only; the stylesheet hides them in the other."""


class JobTypeForm(JobTypeModelForm):
    """Everything of a type that people set. `version` is the one that was read, so that no edit is lost unseen."""

    controller = forms.ChoiceField(widget=ControllerSelect)
    queue = forms.ChoiceField()
    config = StrictJSONField(label="Configuration", required=False, is_tall=True)
    guards = StrictJSONField(
        required=False, help_text='Such as {"min_source_rows": 0}, which allows the source to be empty.'
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)

    class Meta:
        model = SyncJobType
        fields = (
            "name",
            "slug",
            "description",
            "enabled",
            "controller",
            "source_connector",
            "source_document_type",
            "keep_tombstones",
            "target_connector",
            "target_document_type",
            "watch_saves",
            *QUIET_TIMES,
            "watch_job_saves",
            "config",
            "guards",
            "queue",
            "timeout",
            "retry_delay",
            "max_retries",
            "overlap",
            "insert_enabled",
            "update_enabled",
            "delete_enabled",
            "update_without_changes_enabled",
            "verbose_logging",
            "changes_kept",
        )
        labels = {
            "slug": "Slug (its name in commands and the API)",
            "keep_tombstones": "Keep tombstones",
            "watch_saves": "Watch saves",
            "watch_quiet_seconds": "Quiet seconds",
            "watch_most_seconds": "Most seconds",
            "watch_job_saves": "Saves made by jobs, too",
            "insert_enabled": "Inserts allowed",
            "update_enabled": "Updates allowed",
            "delete_enabled": "Deletes allowed",
            "update_without_changes_enabled": "Update without changes",
            "overlap": "If one is still active",
        }
        help_texts = {
            "source_connector": "A stream sync needs it; for documents it only lends its limit of jobs at once.",
            "target_connector": "A stream sync needs it; for documents it only lends its limit of jobs at once.",
            "source_document_type": DOCUMENT_TYPE_HELP,
            "target_document_type": f"{DOCUMENT_TYPE_HELP} The controller may name another for each target.",
            "update_without_changes_enabled": "Write the target even if nothing in it differs.",
            "verbose_logging": "Keep what each target was before and after, and the values of inserted records.",
        }
        widgets = {
            "description": forms.Textarea(attrs={"rows": 2}),
            "source_document_type": forms.TextInput(attrs={"list": "document-types", "autocomplete": "off"}),
            "target_document_type": forms.TextInput(attrs={"list": "document-types", "autocomplete": "off"}),
        }

    groups = (
        ("What it is", ("name", "slug", "description", "enabled")),
        (
            "From and to",
            (
                "controller",
                "source_connector",
                "source_document_type",
                "keep_tombstones",
                "target_connector",
                "target_document_type",
            ),
        ),
        ("Watch saves", ("watch_saves", *QUIET_TIMES, "watch_job_saves")),
        ("How its jobs run", ("queue", "timeout", "retry_delay", "max_retries", "overlap")),
        ("What it may do", ("insert_enabled", "update_enabled", "delete_enabled", "update_without_changes_enabled")),
        ("What is kept", ("verbose_logging", "changes_kept")),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for side in ("source_connector", "target_connector"):
            limit_choices(self.fields[side], visible_connectors())
        stored = str(self.instance.controller)
        if not self.instance.pk:
            self.initial = {"controller": stored, "queue": str(self.instance.queue), **self.initial}
        self.controllers = controller_choices(stored)
        self._choose("controller", [(choice.name, choice.label) for choice in self.controllers])
        self.fields["controller"].widget.disabled_names = {
            choice.name for choice in self.controllers if choice.problems and choice.name != stored
        }
        self.fields["controller"].widget.attrs["data-press"] = "press-controller"
        queues = dict.fromkeys([*settings.SYNCDECK_QUEUES, str(self.instance.queue)])
        self._choose("queue", [(queue, queue) for queue in queues])
        for name in QUIET_TIMES:
            self.fields[name].required = False
        for grain, names in ONLY_FOR.items():
            for name in names:
                self.fields[name].only_for = grain  # type: ignore[attr-defined]
        if self.instance.pk:
            self.fields["slug"].disabled = True
            self.initial["version"] = self.instance.version

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in QUIET_TIMES:
            if cleaned.get(name, "wrong") is None:
                cleaned[name] = getattr(self.instance, name)
        if self.instance.pk and cleaned.get("version"):
            self.instance.version = cleaned["version"]
        return cleaned

    @property
    def json_fields(self) -> list[forms.BoundField]:
        """What is edited as fields of the controller's schema, or as JSON."""
        return [self["config"], self["guards"]]

    @property
    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings, for the template."""
        return [(heading, [self[name] for name in names]) for heading, names in self.groups]
