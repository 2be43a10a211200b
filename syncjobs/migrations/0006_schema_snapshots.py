# Written by hand: what was last seen of each source becomes the first row of its history.

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F


def begin_histories(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("syncjobs", "SchemaSnapshot").objects.update(first_seen_at=F("seen_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("syncjobs", "0005_plans"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="schemasnapshot", name="one_schema_per_stream"),
        migrations.AlterModelOptions(name="schemasnapshot", options={"ordering": ("-id",)}),
        migrations.AddField(
            model_name="schemasnapshot",
            name="ignored",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="schemasnapshot",
            name="differences",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="schemasnapshot",
            name="is_accepted",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="schemasnapshot",
            name="first_seen_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="schemasnapshot",
            name="job",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="syncjobs.syncjob"
            ),
        ),
        migrations.AddIndex(
            model_name="schemasnapshot",
            index=models.Index(fields=["job_type", "stream", "-id"], name="schemas_of_a_stream"),
        ),
        migrations.RunPython(begin_histories, migrations.RunPython.noop, elidable=True),
        migrations.AddField(
            model_name="schedule",
            name="paused_reason",
            field=models.CharField(blank=True, default="", max_length=500),
        ),
        migrations.AddField(
            model_name="schedule",
            name="paused_after_job",
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
    ]
