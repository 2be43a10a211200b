"""How the parts of a job read: changes, rejects, log lines, moves, attempts, metrics."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from syncjobs.api.job_serializers import LEVELS, CountsSerializer, FailureSerializer
from syncjobs.api.paging import PageQuery
from syncjobs.models import Reject
from syncjobs.statuses import Status


class ChangeSerializer(serializers.Serializer):
    """One record's insert, update or delete."""

    id = serializers.IntegerField()
    stream = serializers.CharField()
    key = serializers.JSONField()
    operation = serializers.CharField()
    fields = serializers.DictField(help_text="{name: [old, new]}")


class ConflictSerializer(serializers.Serializer):
    """One record that was left alone, since it was not as expected."""

    id = serializers.IntegerField()
    stream = serializers.CharField()
    key = serializers.JSONField()
    operation = serializers.CharField()
    reason = serializers.CharField()
    fields = serializers.DictField(help_text="{name: [expected, found]}")


class RejectSerializer(serializers.Serializer):
    """One source record that could not be written."""

    id = serializers.IntegerField()
    job = serializers.IntegerField()
    stream = serializers.CharField()
    key = serializers.JSONField()
    field = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()
    state = serializers.ChoiceField(Reject.State.choices)
    record = serializers.DictField()
    is_whole = serializers.BooleanField(help_text="Whether the record is kept unmasked and uncut.")
    created_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by_job = serializers.IntegerField(allow_null=True)
    closed_by = serializers.CharField(allow_null=True)
    closing_reason = serializers.CharField(allow_null=True)


class LogLineSerializer(serializers.Serializer):
    """One line of a job's log."""

    id = serializers.IntegerField()
    attempt = serializers.IntegerField()
    level = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField()
    created_at = serializers.DateTimeField()


class EventSerializer(serializers.Serializer):
    """One status move."""

    id = serializers.IntegerField()
    old = serializers.ChoiceField(Status.choices(), allow_null=True)
    new = serializers.ChoiceField(Status.choices())
    reason = serializers.CharField()
    actor = serializers.CharField()
    created_at = serializers.DateTimeField()


class AttemptSerializer(serializers.Serializer):
    """One try of a job."""

    number = serializers.IntegerField()
    worker = serializers.CharField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.CharField(allow_null=True)
    failure = FailureSerializer(allow_null=True)
    counts = CountsSerializer()
    phase_seconds = serializers.DictField(child=serializers.FloatField())


class MetricsSerializer(serializers.Serializer):
    """The six metrics of a job as they are now, and where its time went."""

    records = serializers.IntegerField()
    bytes = serializers.IntegerField()
    records_per_second = serializers.FloatField(allow_null=True)
    bytes_per_second = serializers.FloatField(allow_null=True)
    idle_time_ms = serializers.FloatField(allow_null=True)
    emit_event_time_ms = serializers.FloatField(allow_null=True)
    reconnects = serializers.IntegerField()
    phase_seconds = serializers.DictField(child=serializers.FloatField(), help_text="Of all attempts.")


class OrderedQuery(PageQuery):
    """A list that may be read from either end."""

    ordering = serializers.ChoiceField(("id", "-id"), required=False, default="id")


class ChangeQuery(OrderedQuery):
    """Which changes."""

    operation = serializers.ChoiceField(("insert", "update", "delete"), required=False)


class LogQuery(OrderedQuery):
    """Which lines."""

    level = serializers.ChoiceField(LEVELS, required=False, help_text="This one and the graver ones.")


class ChildQuery(PageQuery):
    """Which children."""

    status = serializers.ChoiceField(Status.choices(), required=False)


class RejectQuery(PageQuery):
    """Which rejects."""

    state = serializers.ChoiceField(Reject.State.choices, required=False)


def graver(level: str) -> list[str]:
    """The level and those above it, as rows have them."""
    return [*LEVELS[LEVELS.index(level) :], "CRITICAL"]


def as_rows(kind: type[serializers.Serializer], rows: list[Any]) -> list[dict[str, Any]]:
    """The rows by a serializer of theirs."""
    return list(kind(rows, many=True).data)
