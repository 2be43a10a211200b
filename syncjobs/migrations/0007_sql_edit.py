"""A permission of its own for writing custom queries."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("syncjobs", "0006_schema_snapshots")]

    operations = [
        migrations.AlterModelOptions(
            name="syncjobtype",
            options={
                "ordering": ("name",),
                "permissions": (("sql_edit", "Can write custom queries"),),
                "verbose_name": "sync job type",
            },
        ),
    ]
