"""Rejects are found by their record and by their state, however many there are."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("syncjobs", "0010_programs_seen")]

    operations = [
        migrations.AddIndex(
            model_name="reject",
            index=models.Index(fields=["key_hash", "id"], name="rejects_of_a_record"),
        ),
        migrations.AddIndex(
            model_name="reject",
            index=models.Index(fields=["state", "-id"], name="newest_rejects_by_state"),
        ),
    ]
