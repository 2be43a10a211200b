"""The index of jobs by creation also holds what days of jobs are counted by."""

from django.db import migrations, models

WIDER = models.Index(fields=("-created_at", "job_type", "status", "parent"), name="jobs_by_creation")


class Migration(migrations.Migration):
    dependencies = (("syncjobs", "0013_job_reconnects"),)

    operations = (migrations.RemoveIndex("syncjob", "jobs_by_creation"), migrations.AddIndex("syncjob", WIDER))
