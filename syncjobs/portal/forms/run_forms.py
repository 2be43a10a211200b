"""What one run of a type may be limited to, or be about."""

from __future__ import annotations

from typing import Any

from django import forms

from syncjobs.models import SyncJobType
from syncjobs.portal.forms.fields import StrictJSONField

DAY_HELP = "Such as 2026-11-23, or 2026-11-23T02:30."
LONGEST_DOCUMENT = 255
ADVANCE = ("operation", "target_document_type", "target_document_name")
CONTEXT_ONLY = "Empty if the controller needs the context only."
OPERATIONS = [("", "as the controller says"), *((name, name) for name in ("insert", "update", "delete"))]


class RunForm(forms.Form):
    """Limits of one run of a stream sync; left empty, the type runs as it is."""

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
            "batch_size": self.cleaned_data.get("batch_size"),
            "dry_run": self.cleaned_data["dry_run"],
            "force": self.cleaned_data.get("force", False),
        }


def window_fields(job_type: SyncJobType) -> dict[str, str]:
    """{source: window field} of the streams that a range of dates can limit."""
    streams = job_type.config.get("streams") or []
    found = {}
    for stream in streams if isinstance(streams, list) else []:
        window = stream.get("window") if isinstance(stream, dict) else None
        if isinstance(window, dict) and window.get("field"):
            found[str(stream.get("source", ""))] = str(window["field"])
    return found


class BackfillForm(RunForm):
    """A range of dates of which one end at least is given; the dry run has a button of its own."""

    def __init__(self, job_type: SyncJobType, data: Any = None) -> None:
        super().__init__(job_type, data)
        del self.fields["force"], self.fields["batch_size"]
        self.fields["dry_run"].widget = forms.HiddenInput()
        for name in ("start_date", "end_date"):
            self.fields[name].widget.input_type = "date"
            self.fields[name].help_text = "Included; empty for no limit at this end."
        if "endpoints" in self.fields:
            endpoints = self.fields["endpoints"]
            assert isinstance(endpoints, forms.MultipleChoiceField)  # noqa: S101 - declared above
            endpoints.choices = [(source, source) for source in window_fields(job_type)]
            endpoints.required, endpoints.help_text = True, "Those that have a window field."
            self.initial["endpoints"] = list(window_fields(job_type))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned["start_date"] and not cleaned["end_date"]:
            self.add_error("start_date", "Give a first day, a last day, or both.")
        return cleaned

    @property
    def range_text(self) -> str:
        """As "2026-01-01 to 2026-01-31"."""
        start, end = self.cleaned_data["start_date"], self.cleaned_data["end_date"]
        return f"{start} to {end}" if start and end else f"what is from {start}" if start else f"what is up to {end}"


class DocumentRunForm(forms.Form):
    """Which document one run is about, and what the controller is told beside it."""

    source_document_type = forms.CharField(
        label="Source document type",
        required=False,
        max_length=LONGEST_DOCUMENT,
        widget=forms.TextInput(attrs={"list": "document-types", "autocomplete": "off"}),
    )
    source_document_name = forms.CharField(
        label="Source document",
        required=False,
        max_length=LONGEST_DOCUMENT,
        help_text=f"Its name: a primary key, or the key of a record. {CONTEXT_ONLY}",
    )
    context = StrictJSONField(
        required=False, initial=dict, help_text="An object that the controller reads by sync_job.get_context()."
    )
    dry_run = forms.BooleanField(
        label="Dry run", required=False, help_text="Compare and show what would change; write nothing."
    )
    force = forms.BooleanField(
        label="Force", required=False, help_text="Run even if a job of this document is active or waits already."
    )
    operation = forms.ChoiceField(
        required=False,
        choices=OPERATIONS,
        help_text="Given with a target, the controller is not asked what to do, only how.",
    )
    target_document_type = forms.CharField(
        label="Target document type",
        required=False,
        max_length=LONGEST_DOCUMENT,
        widget=forms.TextInput(attrs={"list": "document-types", "autocomplete": "off"}),
    )
    target_document_name = forms.CharField(
        label="Target document",
        required=False,
        max_length=LONGEST_DOCUMENT,
        help_text="Its name; an insert needs none.",
    )

    def __init__(self, job_type: SyncJobType, data: Any = None) -> None:
        super().__init__(data)
        if job_type.source_document_type:
            del self.fields["source_document_type"]
            of = job_type.source_document_type
            self.fields["source_document_name"].help_text = f"The name (primary key) of one {of}. {CONTEXT_ONLY}"
        if job_type.target_document_type:
            self.fields["target_document_type"].help_text = f"Empty means {job_type.target_document_type}."

    def about(self) -> list[forms.BoundField]:
        names = ("source_document_type", "source_document_name", "context", "dry_run", "force")
        return [self[name] for name in names if name in self.fields]

    def in_advance(self) -> list[forms.BoundField]:
        return [self[name] for name in ADVANCE]

    @property
    def has_target(self) -> bool:
        """Whether the part that is folded away holds something, right or wrong."""
        return any(field.value() or field.errors for field in self.in_advance())

    @property
    def limits(self) -> dict[str, Any]:
        """The arguments for enqueue_sync_job; what was left empty is None."""
        names = ("source_document_type", "source_document_name", *ADVANCE)
        named = {name: self.cleaned_data.get(name) or None for name in names}
        rest = {name: self.cleaned_data[name] for name in ("context", "dry_run", "force")}
        return named | rest
