"""What a run may be given: everything that a job may have otherwise than its type (DESIGN §3)."""

from __future__ import annotations

from rest_framework import serializers

from syncjobs.api.fields import JsonObject, StrictSerializer, StrictText, flag, number, text
from syncjobs.models.job_types import LONGEST_TIMEOUT_SECONDS, MOST_RETRIES

OPERATIONS = ("insert", "update", "delete")
OF_STREAMS = ("endpoints", "start_date", "end_date", "batch_size")
OF_DOCUMENTS = ("operation", *(f"{side}_document_{what}" for side in ("source", "target") for what in ("type", "name")))
DAY = "A day such as 2026-11-23, or a time such as 2026-11-23T02:30; without a zone in the project's."


class RangeSerializer(StrictSerializer):
    """Limits of a run over streams."""

    endpoints = serializers.ListField(
        child=StrictText(max_length=255),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=100,
        help_text="The streams' names; without it all of them.",
    )
    start_date = text(40, help_text=DAY)
    end_date = text(40, help_text=f"{DAY} A bare day is included.")
    batch_size = number(1, help_text="Records at a time at most.")
    dry_run = flag(help_text="Compare, keep what would change, write nothing.")
    force = flag(help_text="Ignore overlap, the dedupe key and a kept position; never a guard.")


class RunSerializer(RangeSerializer):
    """A run of a type; what is not given, or null, is as the type has it. 0 and false are values."""

    title = text(300)
    operation = serializers.ChoiceField(OPERATIONS, required=False, allow_null=True)
    source_document_type = text()
    source_document_name = text()
    target_document_type = text()
    target_document_name = text()
    context = JsonObject(required=False, allow_null=True)
    queue = text(50)
    timeout = number(0, LONGEST_TIMEOUT_SECONDS, help_text="Seconds; 0 is no limit.")
    retry_delay = number(0, 3600, help_text="Seconds before the first retry.")
    max_retries = number(0, MOST_RETRIES)
    verbose_logging = flag()
    priority = number(-(2**31), help_text="The higher the sooner.")
    dedupe_key = text(help_text="While a job with this key waits, it is answered instead of a new one.")
    insert_enabled = flag()
    update_enabled = flag()
    delete_enabled = flag()
    update_without_changes_enabled = flag()
    queue_on_insert = flag(help_text="False: the job stays pending until it is started.")


class NewJobSerializer(RunSerializer):
    """A run, with the type that it is of."""

    job_type = StrictText(max_length=100, help_text="Its slug.")


class TriggerSerializer(RangeSerializer):
    """What `sync/trigger` takes."""


class ReasonSerializer(StrictSerializer):
    """Why; the history of the job keeps it."""

    reason = text(300, allow_blank=True)


class ForceSerializer(StrictSerializer):
    """Whether it begins even though something speaks for waiting."""

    force = flag()


class NothingSerializer(StrictSerializer):
    """An empty object, or no body."""


class PauseTypeSerializer(StrictSerializer):
    """Until when."""

    resume_at = serializers.DateTimeField(required=False, allow_null=True)
