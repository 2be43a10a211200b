"""How what belongs to a type reads: previews, cursors, versions, what would change, schemas of its source."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from syncjobs.api.fields import QuerySerializer, StrictInteger, StrictSerializer, text

LONGEST_REASON = 500


class PreviewFieldSerializer(serializers.Serializer):
    """A planned column of the target."""

    name = serializers.CharField()
    type = serializers.CharField()
    nullable = serializers.BooleanField()

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python."""
        made_of = serializers.ListField(child=serializers.CharField(), help_text="The source's columns.")
        return super().get_fields() | {"from": made_of}


class PreviewRejectSerializer(serializers.Serializer):
    """Why a record would not be written."""

    field = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()


class PreviewRecordSerializer(serializers.Serializer):
    """A record before and after the mapping; masked values are not shown, long ones cut."""

    before = serializers.DictField()
    after = serializers.DictField(allow_null=True)
    reject = PreviewRejectSerializer(allow_null=True)


class PreviewSerializer(serializers.Serializer):
    """The first records of a stream."""

    source = serializers.CharField()
    target = serializers.CharField()
    key = serializers.ListField(child=serializers.CharField())
    fields = PreviewFieldSerializer(many=True)
    records = PreviewRecordSerializer(many=True)
    nulled = serializers.DictField(
        child=serializers.IntegerField(), help_text="By target field how many values become null."
    )


class CursorEntrySerializer(serializers.Serializer):
    """From where to where a job or a person moved a cursor."""

    id = serializers.IntegerField()
    stream = serializers.CharField()
    field = serializers.CharField(allow_null=True)
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)
    rows = serializers.IntegerField()
    job = serializers.IntegerField(allow_null=True)
    actor = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class LedgerSerializer(serializers.Serializer):
    """One stream's cursor, with its newest entries, the newest first."""

    stream = serializers.CharField()
    at = serializers.JSONField(allow_null=True, help_text="Null: before everything.")
    entries = CursorEntrySerializer(many=True)


class LedgersSerializer(serializers.Serializer):
    """The cursors of a type."""

    streams = LedgerSerializer(many=True)


class CursorQuery(QuerySerializer):
    """Of which stream, and how many entries of each."""

    stream = serializers.CharField(required=False, max_length=255)
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=100)


class RewindBody(StrictSerializer):
    """To where."""

    stream = text(help_text="Needless where only one has a cursor.")
    entry = StrictInteger(
        allow_null=True,
        min_value=1,
        max_value=2**63 - 1,
        help_text="The entry to whose `new` the cursor goes; null: before everything.",
    )
    reason = text(LONGEST_REASON, allow_blank=True)


class DifferenceSerializer(serializers.Serializer):
    """A field that differs; `was_there` and `is_there` tell a missing one from null."""

    path = serializers.ListField(child=serializers.CharField())
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)
    was_there = serializers.BooleanField()
    is_there = serializers.BooleanField()


class ReviewSerializer(serializers.Serializer):
    """What saving would change."""

    differences = DifferenceSerializer(many=True)
    consequences = serializers.ListField(child=serializers.CharField())


class VersionSerializer(serializers.Serializer):
    """One version of a type."""

    number = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField(allow_null=True)


class VersionDetailSerializer(VersionSerializer):
    """One version with its content."""

    snapshot = serializers.DictField()
    compared_with = serializers.IntegerField(allow_null=True, help_text="The version from which it differs so.")
    differences = DifferenceSerializer(many=True)


class VersionQuery(QuerySerializer):
    """Which version to compare it with; the one before it if not given."""

    compared_with = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


class SchemaSerializer(serializers.Serializer):
    """The columns that a source had."""

    stream = serializers.CharField()
    columns = serializers.JSONField()
    ignored = serializers.JSONField()
    differences = serializers.JSONField()
    is_accepted = serializers.BooleanField(help_text="False: it has stopped a run.")
    accepted_by = serializers.CharField(allow_null=True)
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    job = serializers.IntegerField(allow_null=True)


class SchemasSerializer(serializers.Serializer):
    """The newest first."""

    schemas = SchemaSerializer(many=True)


class SchemaQuery(QuerySerializer):
    """Of which stream."""

    stream = serializers.CharField(required=False, max_length=255)


class AcceptBody(StrictSerializer):
    """Of which stream; of all that have stopped a run if not given."""

    stream = text()
