"""`manage.py sync verify-state`: what a person and a script are told of the books."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from syncjobs.models import SyncJob
from tests.operations.histories import finished_job, queued_job


def verify_state(*options: str) -> int:
    """Run the command; its exit code."""
    try:
        call_command("sync", "verify-state", *options)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.django_db
def test_books_in_order_are_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    finished_job()
    queued_job()
    assert verify_state() == 0
    assert capsys.readouterr() == ("The books are in order: 2 jobs checked.\n", "")
    assert verify_state("--json") == 0
    assert json.loads(capsys.readouterr().out) == {"jobs_checked": 2, "breaches": []}


@pytest.mark.django_db
def test_each_breach_is_a_line_and_the_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    job = finished_job()
    SyncJob.objects.update(ended_at=None, attempt=7)
    assert verify_state() == 1
    ended, attempts = capsys.readouterr().out.splitlines()
    assert ended == f"Job #{job.pk}: a job that has ended says when; here status is finished, ended_at is empty."
    assert attempts.startswith(f"Job #{job.pk}: its attempts are numbered from 1 to the number that the job says")


@pytest.mark.django_db
def test_json_names_job_and_rule_of_each_breach(capsys: pytest.CaptureFixture[str]) -> None:
    job = finished_job()
    SyncJob.objects.update(ended_at=None)
    assert verify_state("--json") == 1
    told = json.loads(capsys.readouterr().out)
    message = f"Job #{job.pk}: a job that has ended says when; here status is finished, ended_at is empty."
    assert told == {
        "jobs_checked": 1,
        "breaches": [{"job_id": job.pk, "rule": "ended_at", "message": message}],
    }
