"""Who accepted a source schema that had stopped a run."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("syncjobs", "0007_sql_edit")]

    operations = [
        migrations.AddField(
            model_name="schemasnapshot",
            name="accepted_by",
            field=models.CharField(blank=True, default="", max_length=150),
        ),
    ]
