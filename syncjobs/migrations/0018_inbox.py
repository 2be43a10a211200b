"""Types that watch saves of their source documents, and the inbox where these wait for their jobs."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

OPERATIONS = [("insert", "Insert"), ("update", "Update"), ("delete", "Delete")]
IN_A_DAY = [django.core.validators.MaxValueValidator(86400)]


class Migration(migrations.Migration):
    dependencies = (("syncjobs", "0017_audit"),)

    operations = (
        migrations.AddField(
            "syncjobtype",
            "watch_saves",
            models.BooleanField(
                default=False,
                help_text="Start a job for each source document (of a Django model) that is saved or deleted.",
            ),
        ),
        migrations.AddField(
            "syncjobtype",
            "watch_quiet_seconds",
            models.PositiveIntegerField(
                default=2,
                validators=IN_A_DAY,
                help_text="Seconds without a further save of a document before its job is made.",
            ),
        ),
        migrations.AddField(
            "syncjobtype",
            "watch_most_seconds",
            models.PositiveIntegerField(
                default=30,
                validators=IN_A_DAY,
                help_text="Seconds after its first save that a job is made at the latest, even if saves never pause.",
            ),
        ),
        migrations.AddField(
            "syncjobtype",
            "watch_job_saves",
            models.BooleanField(
                default=False,
                help_text="Also heed what jobs save, at most 5 hooks deep; otherwise only what others save.",
            ),
        ),
        migrations.CreateModel(
            "InboxEntry",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "job_type",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inbox",
                        to="syncjobs.syncjobtype",
                    ),
                ),
                ("document_type", models.CharField(max_length=255)),
                ("document_name", models.CharField(max_length=255)),
                ("operation", models.CharField(choices=OPERATIONS, max_length=10)),
                ("saved_at", models.DateTimeField()),
                ("saved_by", models.CharField(blank=True, default="", max_length=150)),
                ("request_id", models.CharField(blank=True, default="", max_length=100)),
                ("saved_in", models.PositiveBigIntegerField(blank=True, null=True)),
                ("depth", models.PositiveSmallIntegerField(default=0)),
                ("served_at", models.DateTimeField(blank=True, null=True)),
                (
                    "job",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="served",
                        to="syncjobs.syncjob",
                    ),
                ),
            ],
            options={"verbose_name_plural": "inbox entries", "ordering": ("id",)},
        ),
        migrations.AddIndex(
            "inboxentry",
            models.Index(
                condition=Q(("served_at__isnull", True)),
                fields=["job_type", "document_name", "document_type", "saved_at"],
                name="waiting_saves_by_document",
            ),
        ),
        migrations.AddIndex(
            "inboxentry",
            models.Index(
                condition=Q(("served_at__isnull", False)),
                fields=["job_type", "served_at"],
                name="served_saves_of_a_type",
            ),
        ),
    )
