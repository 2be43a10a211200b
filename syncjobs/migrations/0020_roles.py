"""The roles are seeded, too."""

from __future__ import annotations

from django.db import migrations, models

KINDS = [("connector", "Connector"), ("job_type", "Sync job type"), ("schedule", "Schedule"), ("role", "Role")]


class Migration(migrations.Migration):
    dependencies = [("syncjobs", "0019_webhooks_and_chains")]

    operations = [
        migrations.AlterField("seededdefault", "kind", models.CharField(choices=KINDS, max_length=20)),
    ]
