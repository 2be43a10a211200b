"""Changes are stored by the million: that their job is there is looked up once for all of a batch, not for each."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("syncjobs", "0011_rejects_by_record")]

    operations = [
        migrations.AlterField(
            model_name="change",
            name="job",
            field=models.ForeignKey(
                "syncjobs.syncjob",
                on_delete=models.CASCADE,
                related_name="changes",
                db_index=False,
                db_constraint=False,
            ),
        ),
    ]
