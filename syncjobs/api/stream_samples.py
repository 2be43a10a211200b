"""How streams and their first rows read. Values that a job type masks are masked here, too; long ones are cut."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from connectors.records import Batch, StreamInfo
from connectors.sampling import StreamSample
from syncjobs.api.fields import JsonObject
from syncjobs.diffs import MASK, json_form
from syncjobs.texts import storable_characters

LONGEST_VALUE = 4_000  # characters
HIDDEN = "it may hold masked values, so its reason is not told"


class StreamSerializer(serializers.Serializer):
    """What can be read or written."""

    name = serializers.CharField(help_text="As job types name it.")
    label = serializers.CharField(help_text="For people; may be empty.")
    kind = serializers.CharField(help_text="Such as table, view, dataset or file.")
    estimate = serializers.IntegerField(allow_null=True, help_text="About how many records; null where that is dear.")


class StreamsSerializer(serializers.Serializer):
    """Streams by name."""

    results = StreamSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class FieldSerializer(serializers.Serializer):
    """A field of a stream."""

    name = serializers.CharField()
    type = serializers.CharField()
    nullable = serializers.BooleanField()


class UnreadSerializer(serializers.Serializer):
    """A record that can not be read."""

    row = serializers.IntegerField(help_text="Its place in rows, where null stands for it; from 0.")
    reason = serializers.CharField()


class SampleSerializer(serializers.Serializer):
    """The fields of a stream and its first records."""

    connector = serializers.CharField()
    stream = serializers.CharField()
    key = serializers.ListField(child=serializers.CharField())
    fields_ = FieldSerializer(many=True)
    masked = serializers.ListField(child=serializers.CharField(), help_text="Fields whose values are not told.")
    rows = serializers.ListField(child=JsonObject(allow_null=True))
    unread = UnreadSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        """`fields` is a name that a serializer itself uses."""
        return {name.rstrip("_"): field for name, field in super().get_fields().items()}


def describe_stream(info: StreamInfo) -> dict[str, Any]:
    return {"name": info.name, "label": info.label, "kind": info.kind, "estimate": info.estimate}


def describe_sample(slug: str, stream: str, sample: StreamSample, masked: frozenset[str]) -> dict[str, Any]:
    """The sample for programs."""
    batch = sample.batch
    return {
        "connector": slug,
        "stream": stream,
        "key": list(sample.schema.key),
        "fields": [{"name": one.name, "type": one.type, "nullable": one.nullable} for one in sample.schema.fields],
        "masked": [name for name in batch.names if name in masked],
        "rows": [None if place in batch.unread else _row(batch, place, masked) for place in range(len(batch.rows))],
        "unread": [
            {"row": place, "reason": HIDDEN if masked else storable_characters(unread.reason)}
            for place, unread in sorted(batch.unread.items())
        ],
    }


def _row(batch: Batch, place: int, masked: frozenset[str]) -> dict[str, Any]:
    pairs = zip(batch.names, batch.rows[place], strict=True)
    return {name: MASK if name in masked and value is not None else _value(value) for name, value in pairs}


def _value(value: Any) -> Any:
    """As JSON; texts and bytes are cut before any conversion, since they may be many megabytes."""
    if isinstance(value, str | bytes):
        value = value[:LONGEST_VALUE]
    return storable_characters(value) if isinstance(value, str) else json_form(value)
