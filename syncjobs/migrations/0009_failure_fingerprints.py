"""Failed jobs know failures of their sort. Those of the last 30 days are told theirs here; older ones are not listed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import migrations, models
from django.utils import timezone

from syncjobs.fingerprints import failure_fingerprint

DAYS_LISTED, ROWS_A_TIME = 30, 500


def tell_fingerprints(apps: Any, _editor: Any) -> None:
    """Idempotent: only rows without one."""
    SyncJob = apps.get_model("syncjobs", "SyncJob")
    recent = timezone.now() - timedelta(days=DAYS_LISTED)
    failed = SyncJob.objects.filter(
        status__in=("failed", "error"), ended_at__gte=recent, failure__isnull=False, failure_fingerprint=None
    )
    known: list[Any] = []
    for job in failed.only("failure").iterator(chunk_size=ROWS_A_TIME):
        job.failure_fingerprint = failure_fingerprint(job.failure)
        known.append(job)
    SyncJob.objects.bulk_update(known, ["failure_fingerprint"], batch_size=ROWS_A_TIME)


class Migration(migrations.Migration):
    dependencies = [("syncjobs", "0008_accepted_schemas")]

    operations = [
        migrations.AddField(
            model_name="syncjob",
            name="failure_fingerprint",
            field=models.CharField(blank=True, max_length=16, null=True),
        ),
        migrations.RunPython(tell_fingerprints, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="syncjob",
            index=models.Index(
                fields=["-ended_at", "failure_fingerprint"],
                condition=models.Q(failure_fingerprint__isnull=False),
                name="newest_failures",
            ),
        ),
    ]
