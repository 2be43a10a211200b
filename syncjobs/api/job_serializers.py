"""How jobs and what belongs to them read, and what a query of jobs may ask. The rows are worded by operations."""

from __future__ import annotations

from rest_framework import serializers

from syncjobs.api.paging import PageQuery
from syncjobs.statuses import Phase, Status, Trigger

MOMENT = {"allow_null": True, "help_text": "UTC."}
ORDERS = ("-id", "id")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "FATAL")


class CountsSerializer(serializers.Serializer):
    """Records by what became of them; read = all others but deleted."""

    read = serializers.IntegerField()
    inserted = serializers.IntegerField()
    updated = serializers.IntegerField()
    deleted = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = serializers.IntegerField()
    rejected = serializers.IntegerField()
    duplicates = serializers.IntegerField()


class FailureSerializer(serializers.Serializer):
    """What went wrong."""

    class_ = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField()
    retryable = serializers.BooleanField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """`class` is no name that Python lets a field have."""
        fields = super().get_fields()
        return {("class" if name == "class_" else name): field for name, field in fields.items()}


class ChildrenSerializer(serializers.Serializer):
    """How a relayed job's children stand."""

    total = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    running = serializers.IntegerField()
    counts = CountsSerializer()


class JobSerializer(serializers.Serializer):
    """A job as lists show it."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    job_type = serializers.CharField(help_text="Its slug.")
    status = serializers.ChoiceField(Status.choices())
    phase = serializers.ChoiceField(Phase.choices(), allow_null=True)
    next_step = serializers.CharField(allow_null=True, help_text="What to do now, in a sentence.")
    operation = serializers.CharField(allow_null=True)
    dry_run = serializers.BooleanField()
    trigger_type = serializers.ChoiceField(Trigger.choices())
    attempt = serializers.IntegerField()
    retry_count = serializers.IntegerField()
    max_retries = serializers.IntegerField()
    retry_after = serializers.DateTimeField(**MOMENT)
    queue = serializers.CharField()
    timeout = serializers.IntegerField()
    source_document_type = serializers.CharField(allow_null=True)
    source_document_name = serializers.CharField(allow_null=True)
    target_document_type = serializers.CharField(allow_null=True)
    target_document_name = serializers.CharField(allow_null=True)
    context = serializers.DictField()
    counts = CountsSerializer()
    nulled = serializers.DictField(child=serializers.IntegerField(), help_text="By field: values set to null.")
    stripped = serializers.DictField(child=serializers.IntegerField(), help_text="By field: values rid of NULs.")
    reconnects = serializers.IntegerField()
    bytes_read = serializers.IntegerField()
    records_per_second = serializers.FloatField(allow_null=True)
    bytes_per_second = serializers.FloatField(allow_null=True)
    idle_time_ms = serializers.FloatField(allow_null=True)
    emit_event_time_ms = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(**MOMENT)
    ended_at = serializers.DateTimeField(**MOMENT)
    time_taken = serializers.FloatField(allow_null=True, help_text="Seconds at work.")
    failure = FailureSerializer(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    wait_reason = serializers.CharField(allow_null=True)
    parent = serializers.IntegerField(allow_null=True)
    children_summary = ChildrenSerializer(allow_null=True)
    diff_summary = serializers.DictField()
    allowed_actions = serializers.ListField(child=serializers.CharField())


class JobDetailSerializer(JobSerializer):
    """A job with everything that is known of it."""

    type_version = serializers.IntegerField(allow_null=True, help_text="The version of its type that it runs by.")
    position = serializers.IntegerField(allow_null=True, help_text="Its place among its parent's children.")
    restarted_from = serializers.IntegerField(allow_null=True)
    replay_of = serializers.IntegerField(allow_null=True)
    insert_enabled = serializers.BooleanField()
    update_enabled = serializers.BooleanField()
    delete_enabled = serializers.BooleanField()
    update_without_changes_enabled = serializers.BooleanField()
    multiple_target_documents = serializers.BooleanField()
    retry_delay = serializers.IntegerField()
    verbose_logging = serializers.BooleanField()
    priority = serializers.IntegerField()
    dedupe_key = serializers.CharField(allow_null=True)
    concurrency_key = serializers.CharField(allow_null=True)
    triggered_by = serializers.CharField(allow_null=True, help_text="The user's name.")
    triggered_by_document_type = serializers.CharField(allow_null=True)
    triggered_by_document_name = serializers.CharField(allow_null=True)
    trigger_document_timestamp = serializers.DateTimeField(**MOMENT)
    schedule = serializers.IntegerField(allow_null=True)
    due_at = serializers.DateTimeField(**MOMENT)
    lost_count = serializers.IntegerField(help_text="How often its worker was lost.")
    heartbeat_at = serializers.DateTimeField(**MOMENT)
    available_at = serializers.DateTimeField(**MOMENT)
    sent_at = serializers.DateTimeField(**MOMENT)
    cancel_requested_at = serializers.DateTimeField(**MOMENT)
    pause_requested_at = serializers.DateTimeField(**MOMENT)
    cancel_reason = serializers.CharField(allow_null=True)
    approved_by = serializers.CharField(allow_null=True)
    total_estimate = serializers.IntegerField(allow_null=True)
    version = serializers.IntegerField()
    config_snapshot = serializers.DictField(help_text="What the job runs by.")
    current_data = serializers.JSONField(allow_null=True)
    updated_data = serializers.JSONField(allow_null=True)
    plan = serializers.DictField(allow_null=True, help_text="Of a dry run: whether it may be approved and applied.")
    conflicts = serializers.ListField(child=serializers.DictField(), help_text="Records that were left alone.")


class JobQuery(PageQuery):
    """By what jobs may be looked for."""

    status = serializers.ChoiceField(Status.choices(), required=False)
    job_type = serializers.SlugField(required=False, max_length=100)
    trigger_type = serializers.ChoiceField(Trigger.choices(), required=False)
    queue = serializers.CharField(required=False, max_length=50)
    parent = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    schedule = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    dry_run = serializers.BooleanField(required=False, allow_null=True, default=None)
    active = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Queued, started, or with a retry due."
    )
    source_document_name = serializers.CharField(required=False, max_length=255)
    target_document_name = serializers.CharField(required=False, max_length=255)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    search = serializers.CharField(
        required=False, max_length=200, help_text="Within the titles of the newest 100,000 jobs."
    )
    ordering = serializers.ChoiceField(ORDERS, required=False, default="-id")
