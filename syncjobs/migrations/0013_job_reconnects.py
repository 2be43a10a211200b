"""How often a job has made its connections anew after a fault."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("syncjobs", "0012_changes_without_lookup"),)

    operations = (migrations.AddField("syncjob", "reconnects", models.PositiveIntegerField(default=0)),)
