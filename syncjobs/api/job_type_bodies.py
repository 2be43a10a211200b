"""What a type may be given: its fields of DESIGN §3. The type's own checks say what is wrong within them."""

from __future__ import annotations

from typing import Any

from django.core.validators import validate_slug
from rest_framework import serializers

from syncjobs.api.fields import JsonObject, StrictBoolean, StrictInteger, StrictSerializer, StrictText
from syncjobs.models.job_types import LONGEST_QUIET_SECONDS, LONGEST_TIMEOUT_SECONDS, MOST_RETRIES, Overlap
from syncjobs.operations.entered_types import PREVIEWED_ROWS
from syncjobs.operations.previews import MOST_ROWS

LARGEST = 2**31 - 1
SLUG_OF_CONNECTOR = "The slug of a connector; null: none."


def _text(longest: int, **options: Any) -> StrictText:
    return StrictText(required=False, max_length=longest, **options)


def _number(most: int = LARGEST, **options: Any) -> StrictInteger:
    return StrictInteger(required=False, min_value=0, max_value=most, **options)


class JobTypeChanges(StrictSerializer):
    """A type's fields, each optional; what is not given is as it is. 0 and false are values."""

    name = _text(150, allow_blank=True, help_text="For people; the slug where left empty.")
    description = _text(10_000, allow_blank=True)
    enabled = StrictBoolean(required=False)
    controller = _text(150)
    source_connector = _text(100, allow_null=True, help_text=SLUG_OF_CONNECTOR)
    source_document_type = _text(255, allow_blank=True)
    keep_tombstones = StrictBoolean(required=False)
    watch_saves = StrictBoolean(required=False, help_text="Make a job for each source document that is saved.")
    watch_quiet_seconds = _number(LONGEST_QUIET_SECONDS, help_text="Without a further save, before its job is made.")
    watch_most_seconds = _number(LONGEST_QUIET_SECONDS, help_text="After the first save, at the latest.")
    watch_job_saves = StrictBoolean(required=False, help_text="Also what jobs save, at most 5 hooks deep.")
    target_connector = _text(100, allow_null=True, help_text=SLUG_OF_CONNECTOR)
    target_document_type = _text(255, allow_blank=True)
    config = JsonObject(required=False)
    guards = JsonObject(required=False)
    queue = _text(50)
    timeout = _number(LONGEST_TIMEOUT_SECONDS, help_text="Seconds for one attempt; 0 is no limit.")
    retry_delay = _number(3600, help_text="Seconds before the first retry; it doubles.")
    max_retries = _number(MOST_RETRIES, help_text="0 is no retry.")
    verbose_logging = StrictBoolean(required=False)
    insert_enabled = StrictBoolean(required=False)
    update_enabled = StrictBoolean(required=False)
    delete_enabled = StrictBoolean(required=False)
    update_without_changes_enabled = StrictBoolean(required=False)
    overlap = serializers.ChoiceField(Overlap.choices, required=False)
    freshness_target = _number(allow_null=True, help_text="Seconds; null: none.")
    changes_kept = _number(help_text="Record changes kept for each job.")
    retention_days = _number(allow_null=True, help_text="Null: for ever.")


class JobTypeBody(JobTypeChanges):
    """A new type."""

    slug = StrictText(
        max_length=100, validators=[validate_slug], help_text="Its name in commands and the API, for good."
    )


class PreviewBody(JobTypeChanges):
    """Which stream to look at; what is given of the type counts instead of what is saved."""

    stream = _text(255, help_text="The source's name of it; needless where there is one only.")
    rows = StrictInteger(required=False, min_value=1, max_value=MOST_ROWS, default=PREVIEWED_ROWS)
