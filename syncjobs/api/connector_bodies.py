"""What a connector may be given. Credentials go in and never come out; the kind's schemas say what is wrong within."""

from __future__ import annotations

from rest_framework import serializers

from connectors.models import SLUG_RULE
from connectors.sampling import MOST_SAMPLE_ROWS, SAMPLE_ROWS
from connectors.validation import LONGEST_CREDENTIAL
from syncjobs.api.fields import JsonObject, QuerySerializer, StrictBoolean, StrictInteger, StrictSerializer, StrictText

LARGEST = 2**31 - 1
LONGEST_STREAM = 500


class CredentialsField(serializers.DictField):
    """Texts by name; what is wrong with one is said without it."""

    child = StrictText(allow_null=True, max_length=LONGEST_CREDENTIAL, trim_whitespace=False)


class ConnectorChanges(StrictSerializer):
    """A connector's fields, each optional; what is not given is as it is."""

    name = StrictText(required=False, max_length=200, allow_blank=True, help_text="For people; the slug where empty.")
    config = JsonObject(required=False, help_text="The kind's settings, all of them.")
    credentials = CredentialsField(
        required=False,
        write_only=True,
        help_text="Those to set: the secret, or env:NAME or file:PATH; null clears one. The others stay.",
    )
    enabled = StrictBoolean(required=False, help_text="False: no job can use it.")
    max_concurrency = StrictInteger(
        required=False, allow_null=True, min_value=1, max_value=LARGEST, help_text="Jobs at once; null: no limit."
    )
    rate_limit_per_minute = StrictInteger(
        required=False, allow_null=True, min_value=1, max_value=LARGEST, help_text="Requests; null: no limit."
    )
    grants = serializers.ListField(
        child=StrictText(max_length=150),
        required=False,
        max_length=1_000,
        help_text="The groups that may see it, by name; none opens it to all. Takes a permission of its own.",
    )


class ConnectorBody(ConnectorChanges):
    """A new connector."""

    slug = StrictText(max_length=64, validators=[SLUG_RULE], help_text="Its name in job types and commands, for good.")
    kind = StrictText(max_length=64, help_text="Such as postgres, sqlite, soda or files; it cannot change.")


class SyncNowBody(StrictSerializer):
    """Which types to start."""

    job_types = serializers.ListField(
        child=StrictText(max_length=100),
        required=False,
        min_length=1,
        max_length=1_000,
        help_text="Slugs; needless where only one enabled type reads from it.",
    )
    dry_run = StrictBoolean(required=False)


class StreamQuery(QuerySerializer):
    """Which streams."""

    search = serializers.CharField(required=False, max_length=LONGEST_STREAM, help_text="A part of name or label.")
    after = serializers.CharField(
        required=False, max_length=LONGEST_STREAM, trim_whitespace=False, help_text="Only those behind this name."
    )
    page_size = serializers.IntegerField(required=False, default=50, min_value=1, max_value=1_000)


class SampleQuery(QuerySerializer):
    """How much of a stream."""

    rows = serializers.IntegerField(required=False, default=SAMPLE_ROWS, min_value=1, max_value=MOST_SAMPLE_ROWS)
