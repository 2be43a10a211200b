"""How connectors, job types and schedules read. Whoever adds writing makes serializers of bodies beside these."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from connectors.errors import ConfigError
from connectors.models import Connector
from syncjobs.api.paging import PageQuery
from syncjobs.clock import db_now
from syncjobs.models import Schedule, SyncJobType
from syncjobs.models.job_types import SNAPSHOT_FIELDS
from syncjobs.operations.grants import granted_groups
from syncjobs.operations.schedule_rules import readable_rule, rule_shape
from syncjobs.operations.schedules import describe_schedule, next_runs
from syncjobs.schedule_times import rule_warnings

RUNS_TOLD = 5
OF_ITS_RULE: dict[str, Any] = {"read_only": True, "allow_null": True, "default": None}
"""Null where the rule is of another sort."""


class ConnectorSerializer(serializers.ModelSerializer):
    """A connector; of its credentials only which of them are set."""

    credentials_set = serializers.SerializerMethodField()
    grants = serializers.SerializerMethodField()

    class Meta:
        model = Connector
        fields = (
            *("slug", "name", "kind", "config", "credentials_set", "enabled", "max_concurrency"),
            *("rate_limit_per_minute", "grants", "last_test_ok", "last_tested_at", "last_test_message"),
            *("version", "created_at", "updated_at"),
        )
        read_only_fields = fields

    def get_credentials_set(self, connector: Connector) -> list[str] | None:
        """Names only; null where they can not be decrypted."""
        try:
            return sorted(connector.credentials.names)
        except ConfigError:
            return None

    def get_grants(self, connector: Connector) -> list[str]:
        """The groups that may see it; none: everybody who may see connectors."""
        return granted_groups(connector)


class JobTypeSerializer(serializers.ModelSerializer):
    """A job type."""

    source_connector = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    target_connector = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)
    paused_by = serializers.SlugRelatedField("username", read_only=True, allow_null=True)
    config = serializers.DictField(read_only=True)
    guards = serializers.DictField(read_only=True)

    class Meta:
        model = SyncJobType
        fields = (
            *SNAPSHOT_FIELDS,
            *("source_connector", "target_connector", "paused_at", "paused_by", "resume_at"),
            *("version", "created_at", "updated_at"),
        )
        read_only_fields = fields


class ScheduleSerializer(serializers.ModelSerializer):
    """A schedule; its rule in words, and its next runs."""

    name = serializers.CharField(source="periodic_task.name", read_only=True)
    job_type = serializers.SlugRelatedField("slug", read_only=True)
    enabled = serializers.BooleanField(source="periodic_task.enabled", read_only=True)
    overrides = serializers.DictField(read_only=True)
    rule = serializers.SerializerMethodField()
    every = serializers.IntegerField(help_text="Seconds.", **OF_ITS_RULE)
    start = serializers.DateTimeField(help_text="From when every counts.", **OF_ITS_RULE)
    crontab = serializers.CharField(**OF_ITS_RULE)
    zone = serializers.CharField(help_text="Of crontab.", **OF_ITS_RULE)
    at = serializers.DateTimeField(**OF_ITS_RULE)
    warnings = serializers.SerializerMethodField()
    next_runs = serializers.SerializerMethodField()

    class Meta:
        model = Schedule
        fields = (
            *("id", "name", "job_type", "enabled", "rule", "every", "start", "crontab", "zone", "at", "catch_up"),
            *("overrides", "last_due_at", "paused_reason", "warnings", "next_runs", "version", "created_at"),
        )
        read_only_fields = fields

    def to_representation(self, schedule: Schedule) -> dict[str, Any]:
        told: dict[str, Any] = super().to_representation(schedule)
        rule = readable_rule(schedule)
        return told | (rule_shape(rule) if rule else {})

    def get_warnings(self, schedule: Schedule) -> list[str]:
        """What is legal but surely not meant, such as a crontab for 31 February."""
        rule = readable_rule(schedule)
        return rule_warnings(rule, self.context.get("now") or db_now()) if rule else []

    def get_rule(self, schedule: Schedule) -> str:
        """In words."""
        try:
            return describe_schedule(schedule, self.context.get("now"))
        except ValueError as error:
            return f"It can not be read: {error}."

    def get_next_runs(self, schedule: Schedule) -> list[str]:
        """In UTC; none while it is switched off."""
        try:
            return [run.isoformat() for run in next_runs(schedule, RUNS_TOLD, self.context.get("now"))]
        except ValueError:
            return []


def describe_schedules(schedules: list[Schedule]) -> list[dict[str, Any]]:
    """All by one look at the clock."""
    return list(ScheduleSerializer(schedules, many=True, context={"now": db_now()}).data)


class ConnectorQuery(PageQuery):
    """Which connectors."""

    kind = serializers.CharField(required=False, max_length=64)
    enabled = serializers.BooleanField(required=False, allow_null=True, default=None)
    search = serializers.CharField(required=False, max_length=200)


class JobTypeQuery(PageQuery):
    """Which job types."""

    enabled = serializers.BooleanField(required=False, allow_null=True, default=None)
    paused = serializers.BooleanField(required=False, allow_null=True, default=None)
    queue = serializers.ChoiceField(settings.SYNCDECK_QUEUES, required=False)
    source_connector = serializers.SlugField(required=False, max_length=64)
    target_connector = serializers.SlugField(required=False, max_length=64)
    search = serializers.CharField(required=False, max_length=200)


class ScheduleQuery(PageQuery):
    """Which schedules."""

    job_type = serializers.SlugField(required=False, max_length=100)
    enabled = serializers.BooleanField(required=False, allow_null=True, default=None)
