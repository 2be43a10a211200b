"""What an installation remembers of its sources outlives the change from one row a stream to a history."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from syncjobs.models import SchemaSnapshot
from tests.lifecycle.factories import JobTypeFactory


@pytest.mark.django_db(transaction=True)
def test_last_seen_schema_becomes_the_first_of_its_history() -> None:
    job_type = JobTypeFactory.create()
    latest = [key for key in MigrationExecutor(connection).loader.graph.leaf_nodes() if key[0] == "syncjobs"]
    try:
        before = MigrationExecutor(connection).migrate([("syncjobs", "0005_plans")])
        old = before.apps.get_model("syncjobs", "SchemaSnapshot")
        seen_at = timezone.now()
        old.objects.create(job_type_id=job_type.pk, stream="items", fields={"code": "text"}, seen_at=seen_at)
    finally:
        MigrationExecutor(connection).migrate(latest)
    row = SchemaSnapshot.objects.get()
    assert (row.job_type_id, row.stream, row.fields) == (job_type.pk, "items", {"code": "text"})
    assert (row.is_accepted, row.ignored, row.differences, row.job) == (True, [], {}, None)
    assert (row.first_seen_at, row.seen_at) == (seen_at, seen_at)
