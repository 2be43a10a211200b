"""The form of a job type: its columns, with configuration and guards as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings

from syncjobs.controllers.registry import controller_names
from syncjobs.models import SyncJobType
from syncjobs.portal.forms.fields import StrictJSONField

if TYPE_CHECKING:
    JobTypeModelForm = forms.ModelForm[SyncJobType]
else:
    JobTypeModelForm = forms.ModelForm  # cannot be subscripted when running


class JobTypeForm(JobTypeModelForm):
    """Everything of a type that people set. `version` is the one that was read, so that no edit is lost unseen."""

    controller = forms.ChoiceField()
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
            "target_connector",
            "config",
            "guards",
            "queue",
            "timeout",
            "retry_delay",
            "max_retries",
            "overlap",
            "insert_enabled",
            "update_enabled",
            "verbose_logging",
            "changes_kept",
        )
        labels = {
            "slug": "Slug (its name in commands and the API)",
            "insert_enabled": "Inserts allowed",
            "update_enabled": "Updates allowed",
            "overlap": "If one is still active",
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}

    groups = (
        ("What it is", ("name", "slug", "description", "enabled")),
        (
            "From and to",
            (
                "controller",
                "source_connector",
                "target_connector",
                "config",
                "guards",
            ),
        ),
        ("How its jobs run", ("queue", "timeout", "retry_delay", "max_retries", "overlap")),
        (
            "What it may do",
            ("insert_enabled", "update_enabled"),
        ),
        ("What is kept", ("verbose_logging", "changes_kept")),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose("controller", controller_names())
        self._choose("queue", settings.SYNCDECK_QUEUES)
        if self.instance.pk:
            self.fields["slug"].disabled = True
            self.initial["version"] = self.instance.version

    def _choose(self, name: str, known: list[str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        stored = str(getattr(self.instance, name))
        field.choices = [(choice, choice) for choice in dict.fromkeys([*known, stored])]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk and cleaned.get("version"):
            self.instance.version = cleaned["version"]
        return cleaned

    @property
    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings, for the template."""
        return [(heading, [self[name] for name in names]) for heading, names in self.groups]
