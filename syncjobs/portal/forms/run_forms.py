"""What one run of a type may be limited to."""

from __future__ import annotations

from typing import Any

from django import forms

from syncjobs.models import SyncJobType

DAY_HELP = "Such as 2026-11-23, or 2026-11-23T02:30."


class RunForm(forms.Form):
    """Limits of one run; left empty, the type runs as it is."""

    endpoints = forms.MultipleChoiceField(
        label="Streams", required=False, widget=forms.CheckboxSelectMultiple, help_text="None ticked means all."
    )
    start_date = forms.CharField(label="From", required=False, max_length=40, help_text=DAY_HELP)
    end_date = forms.CharField(
        label="To", required=False, max_length=40, help_text="A bare day is included. " + DAY_HELP
    )
    batch_size = forms.IntegerField(
        label="Batch size", required=False, min_value=1, help_text="Records at a time at most; empty lets it choose."
    )
    dry_run = forms.BooleanField(
        label="Dry run", required=False, help_text="Compare and show what would change; write nothing."
    )
    force = forms.BooleanField(
        label="Force", required=False, help_text="Begin anew without a kept position; never passes over a guard."
    )

    def __init__(self, job_type: SyncJobType, data: Any = None) -> None:
        super().__init__(data)
        streams = job_type.config.get("streams") or []
        sources = [str(stream.get("source", "")) for stream in streams if isinstance(stream, dict)]
        if len(sources) > 1:
            endpoints = self.fields["endpoints"]
            assert isinstance(endpoints, forms.MultipleChoiceField)  # noqa: S101 - declared above
            endpoints.choices = [(source, source) for source in sources]
        else:
            del self.fields["endpoints"]

    @property
    def limits(self) -> dict[str, Any]:
        """The arguments for run_job_type; what was left empty is None."""
        return {
            "endpoints": self.cleaned_data.get("endpoints") or None,
            "start_date": self.cleaned_data["start_date"].strip() or None,
            "end_date": self.cleaned_data["end_date"].strip() or None,
            "batch_size": self.cleaned_data["batch_size"],
            "dry_run": self.cleaned_data["dry_run"],
            "force": self.cleaned_data["force"],
        }
