"""An installation's failed jobs are in clusters after the change, too."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from syncjobs.fingerprints import failure_fingerprint
from syncjobs.models import SyncJob
from tests.lifecycle.factories import JobTypeFactory


@pytest.mark.django_db(transaction=True)
def test_recent_failures_are_told_their_fingerprint() -> None:
    job_type = JobTypeFactory.create()
    latest = [key for key in MigrationExecutor(connection).loader.graph.leaf_nodes() if key[0] == "syncjobs"]
    failure = {"class": "data", "code": "not_null", "message": "record 7 has no name"}
    now = timezone.now()
    try:
        before = MigrationExecutor(connection).migrate([("syncjobs", "0008_accepted_schemas")])
        old = before.apps.get_model("syncjobs", "SyncJob")
        shared = {"job_type_id": job_type.pk, "failure": failure, "created_at": now, "trigger_type": "cli"}
        recent = old.objects.create(status="error", ended_at=now, **shared).pk
        long_ago = old.objects.create(status="error", ended_at=now - timedelta(days=90), **shared).pk
        at_work = old.objects.create(status="queued", **shared).pk
    finally:
        MigrationExecutor(connection).migrate(latest)
    told = dict(SyncJob.objects.values_list("pk", "failure_fingerprint"))
    assert told == {recent: failure_fingerprint(failure), long_ago: None, at_work: None}
