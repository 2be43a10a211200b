"""The target that a split stream's child jobs share, so that strangers wait until all of them are done."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = (("syncjobs", "0020_roles"),)

    operations = (
        migrations.AddField("syncjob", "sibling_key", models.CharField(blank=True, default="", max_length=500)),
        migrations.AddIndex(
            "syncjob",
            models.Index(
                fields=("sibling_key",),
                condition=~Q(sibling_key="")
                & (Q(status__in=("queued", "started", "paused", "held")) | Q(retry_after__isnull=False)),
                name="active_by_sibling_key",
            ),
        ),
    )
