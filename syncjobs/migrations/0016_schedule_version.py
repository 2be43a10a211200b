"""Schedules count their versions, as connectors and job types do."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("syncjobs", "0015_api_access"),)

    operations = (migrations.AddField("schedule", "version", models.PositiveIntegerField(default=1, editable=False)),)
