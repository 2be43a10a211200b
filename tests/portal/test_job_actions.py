"""The verbs of a job by their buttons: which are offered, what each does, what is asked before, what a refusal says."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from syncjobs.lifecycle import allowed_actions
from syncjobs.models import Change, JobEvent, JobLog, SyncJob
from syncjobs.portal.job_actions import ACTIONS
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob, MakeStaff

AT_ONCE = ("start", "pause", "resume", "retry", "approve", "retry_children")
ASKS = ("cancel", "discard", "restart", "delete", "cancel_children", "apply", "revert")


def address(job: SyncJob, name: str = "page") -> str:
    return reverse(f"admin:job_{name}", args=[job.pk])


def read(client: Client, where: str) -> str:
    response = client.get(where)
    assert response.status_code == 200, where
    return response.content.decode()


def post(client: Client, job: SyncJob, verb: str, **typed: Any) -> str:
    """The page that one sees after it."""
    response = client.post(address(job, verb), typed, follow=True)
    assert response.status_code == 200
    return response.content.decode()


# 1. What is offered


@pytest.mark.parametrize("status", list(Status))
def test_page_and_list_offer_exactly_what_is_allowed(portal: Client, make_job: MakeJob, status: Status) -> None:
    job = make_job(status)
    buttons = re.findall(r'id="(\w+)-job"', read(portal, address(job)))
    assert buttons == allowed_actions(job)
    strip = read(portal, "/admin/jobs/").partition('class="strip"')[2].partition("</details>")[0]
    assert re.findall(rf"/admin/jobs/{job.pk}/([a-z-]+)/", strip) == [
        name.replace("_", "-") for name in allowed_actions(job)
    ]


def test_every_action_has_a_button_and_a_page() -> None:
    assert sorted(ACTIONS) == sorted((*AT_ONCE, *ASKS))
    assert [name for name, action in ACTIONS.items() if action.asks] == [name for name in ACTIONS if name in ASKS]


def test_no_delete_is_offered_while_a_retry_is_due(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.FAILED, retry_after=timezone.now() + timedelta(minutes=1))
    text = read(portal, address(job))
    assert 'id="retry-job"' in text
    assert 'id="delete-job"' not in text


def test_the_next_step_stands_beside_the_pill(portal: Client, make_job: MakeJob) -> None:
    head = read(portal, address(make_job(Status.PAUSED))).partition('class="buttons"')[0]
    assert "Resume it from where it stopped, or restart it from the beginning." in head


# 2. What each does


@pytest.mark.parametrize(
    ("verb", "before", "after", "told"),
    [
        ("start", Status.PENDING, Status.QUEUED, "is queued."),
        ("pause", Status.QUEUED, Status.PAUSED, "is paused; it keeps its position."),
        ("pause", Status.STARTED, Status.STARTED, "was asked to pause; it stops within 5 s"),
        ("resume", Status.PAUSED, Status.QUEUED, "it goes on from where it stopped."),
        ("retry", Status.FAILED, Status.QUEUED, "it goes on from where it stopped."),
        ("retry", Status.ERROR, Status.QUEUED, "is queued again"),
        ("approve", Status.HELD, Status.QUEUED, "is approved and queued."),
        ("discard", Status.HELD, Status.CANCELED, "is discarded; it has written nothing."),
        ("cancel", Status.PAUSED, Status.CANCELED, "is canceled."),
        ("cancel", Status.STARTED, Status.STARTED, "was asked to stop; it ends within 10 s."),
    ],
)
def test_a_verb_does_what_its_operation_does_and_says_so(
    portal: Client, make_job: MakeJob, verb: str, before: Status, after: Status, told: str
) -> None:
    job = make_job(before)
    assert told in post(portal, job, verb)
    job.refresh_from_db()
    assert job.status == after
    assert (job.cancel_requested_at is not None) == (verb == "cancel" and before is Status.STARTED)


@pytest.mark.parametrize("verb", sorted(ACTIONS))
def test_a_verb_that_is_not_allowed_changes_nothing_and_says_what_is(
    portal: Client, make_job: MakeJob, verb: str
) -> None:
    job = make_job(Status.STARTED if verb not in ("pause", "cancel") else Status.CANCELED)
    text = post(portal, job, verb)
    assert f"Job #{job.pk} is {job.status}, so " in text
    assert f"allowed now: {', '.join(allowed_actions(job))}." in text
    unchanged = SyncJob.objects.get()
    assert (unchanged.status, unchanged.version) == (job.status, job.version)


@pytest.mark.parametrize("verb", sorted(ASKS))
def test_a_question_that_is_too_late_offers_no_button(portal: Client, make_job: MakeJob, verb: str) -> None:
    job = make_job(Status.QUEUED if verb != "cancel" else Status.CANCELED)
    text = read(portal, address(job, verb))
    assert "This cannot be done now" in text
    assert "<form method" not in text.partition('<main id="content-start"')[2].partition("</main>")[0]


@pytest.mark.parametrize("verb", ["cancel", "discard"])
def test_a_reason_is_asked_and_kept(portal: Client, make_job: MakeJob, verb: str) -> None:
    job = make_job(Status.HELD if verb == "discard" else Status.QUEUED)
    assert 'name="reason"' in read(portal, address(job, verb))
    assert "wrong &lt;b&gt;range" in post(portal, job, verb, reason="wrong <b>range</b>")
    assert JobEvent.objects.filter(job=job, new="canceled", actor="anna", reason="wrong <b>range</b>").exists()


def test_a_reason_that_is_too_long_is_refused_and_kept_in_the_form(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.QUEUED)
    response = portal.post(address(job, "cancel"), {"reason": "x" * 301})
    assert response.status_code == 422
    assert "x" * 301 in response.content.decode()
    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_a_restart_makes_a_new_job_and_both_lead_to_each_other(portal: Client, make_job: MakeJob) -> None:
    old = make_job(Status.FAILED)
    assert "This one is canceled" in read(portal, address(old, "restart"))
    text = post(portal, old, "restart")
    new = SyncJob.objects.get(restarted_from=old)
    assert f"Job #{new.pk} is queued in place of #{old.pk}." in text
    assert f'<dt>Restart of</dt><dd><a href="{address(old)}">' in text
    assert f'<dt>Restarted as</dt><dd><a href="{address(new)}">' in read(portal, address(old))
    assert "force" not in new.config_snapshot
    old.refresh_from_db()
    assert (old.status, old.cancel_reason) == ("canceled", f"restarted as #{new.pk}")


def test_a_forced_restart_is_marked_as_one(portal: Client, make_job: MakeJob) -> None:
    old = make_job(Status.FINISHED)
    text = read(portal, address(old, "restart"))
    assert "It never passes over a guard" in text
    assert "This one stays as it is." in text
    assert "<dd>forced</dd>" in post(portal, old, "restart", force="on")
    assert SyncJob.objects.get(restarted_from=old).config_snapshot["force"] is True
    old.refresh_from_db()
    assert old.status == Status.FINISHED


def test_deleting_says_what_goes_and_then_it_is_gone(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.RELAYED)
    make_job(Status.FINISHED, parent=job, position=0)
    for number in range(3):
        Change.objects.create(job=job, stream="s", key={"id": number}, key_hash=number, operation="insert", fields={})
    JobLog.objects.create(job=job, level="INFO", message="one", created_at=timezone.now())
    question = read(portal, address(job, "delete"))
    assert "3 changes, 1 log line, 1 attempt and 1 child job and all that belongs to them" in question
    assert SyncJob.objects.count() == 2, "asking deletes nothing"
    text = post(portal, job, "delete")
    assert f"Job #{job.pk} is deleted with 1 child job." in text
    assert "No job has run yet" in text
    assert not SyncJob.objects.exists()
    assert portal.get(address(job)).status_code == 404


def test_a_job_that_somebody_else_has_deleted_is_not_found(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.FINISHED)
    post(portal, job, "delete")
    for verb in ("delete", "retry"):
        assert portal.post(reverse(f"admin:job_{verb}", args=[job.pk])).status_code == 404


def test_failed_children_are_retried_from_their_parent(portal: Client, make_job: MakeJob) -> None:
    parent = make_job(Status.RELAYED)
    assert "none to retry" in post(portal, parent, "retry_children")
    failed = make_job(Status.FAILED, parent=parent, position=0)
    make_job(Status.FINISHED, parent=parent, position=1)
    assert "1 child job is queued again." in post(portal, parent, "retry_children")
    failed.refresh_from_db()
    assert failed.status == Status.QUEUED


def test_children_are_canceled_from_their_parent_with_a_reason(portal: Client, make_job: MakeJob) -> None:
    parent = make_job(Status.RELAYED)
    waiting = make_job(Status.QUEUED, parent=parent, position=0)
    at_work = make_job(Status.STARTED, parent=parent, position=1)
    done = make_job(Status.FINISHED, parent=parent, position=2)
    assert "2 child jobs are canceled or asked to stop." in post(portal, parent, "cancel_children", reason="enough")
    for job in (waiting, at_work, done):
        job.refresh_from_db()
    assert (waiting.status, waiting.cancel_reason, done.status) == ("canceled", "enough", "finished")
    assert at_work.cancel_requested_at is not None


# 3. Who may, and where it leads


@pytest.mark.parametrize("status", list(Status))
def test_a_viewer_sees_no_button_and_may_post_nothing(make_staff: MakeStaff, make_job: MakeJob, status: Status) -> None:
    viewer, job = make_staff("view_syncjob", "view_syncjobtype"), make_job(status)
    for where in (address(job), "/admin/jobs/"):
        text = read(viewer, where).partition('<main id="content-start"')[2]
        assert 'method="post"' not in text
        assert "formaction" not in text
        assert "_selected_action" not in text
        assert not re.findall(rf'href="/admin/jobs/{job.pk}/(?:{"|".join(ASKS)})/', text)
    for verb in ACTIONS:
        assert viewer.post(address(job, verb)).status_code == 403
    assert viewer.post("/admin/jobs/act/", {"action": "delete", "_selected_action": job.pk}).status_code == 403
    assert SyncJob.objects.get().status == status


@pytest.mark.parametrize("verb", AT_ONCE)
def test_what_is_done_at_once_answers_no_get(portal: Client, make_job: MakeJob, verb: str) -> None:
    assert portal.get(address(make_job(Status.HELD), verb)).status_code == 405


def test_the_right_to_change_jobs_is_enough_for_every_verb_but_approve_and_delete(
    make_staff: MakeStaff, make_job: MakeJob
) -> None:
    operator = make_staff("view_syncjob", "change_syncjob")
    for verb in sorted(ACTIONS.keys() - {"approve", "apply", "revert", "delete"}):
        status = next(status for status in Status if verb in allowed_actions(make_job(status)))
        assert operator.post(address(make_job(status), verb)).status_code == 302, verb


def test_deleting_is_a_right_of_its_own(make_staff: MakeStaff, make_job: MakeJob) -> None:
    job, ticked = make_job(), {"action": "delete"}
    operator, cleaner = make_staff("view_syncjob", "change_syncjob"), make_staff("view_syncjob", "delete_syncjob")
    assert "Delete" not in read(operator, address(job))
    assert operator.post(address(job, "delete")).status_code == 403
    assert operator.post("/admin/jobs/act/", ticked | {"_selected_action": job.pk}).status_code == 403
    assert "Delete" in read(cleaner, address(job))
    assert cleaner.post(address(job, "delete")).status_code == 302


def test_approving_is_a_right_of_its_own(make_staff: MakeStaff, make_job: MakeJob) -> None:
    held = make_job(Status.HELD)
    operator, approver = make_staff("view_syncjob", "change_syncjob"), make_staff("view_syncjob", "approve_syncjob")
    ticked = {"action": "approve", "_selected_action": held.pk}
    for where in (address(held), "/admin/jobs/"):
        assert "Approve" not in read(operator, where)
        assert "Approve" in read(approver, where)
    assert operator.post(address(held, "approve")).status_code == 403
    assert operator.post("/admin/jobs/act/", ticked).status_code == 403
    assert approver.post(address(held, "discard")).status_code == 403
    assert SyncJob.objects.get().status == Status.HELD
    assert approver.post(address(held, "approve")).status_code == 302
    assert SyncJob.objects.get().status == Status.QUEUED


@pytest.mark.parametrize(
    ("asked_from", "leads_to"),
    [
        ("/admin/jobs/?status=queued", "/admin/jobs/?status=queued"),
        ("https://elsewhere.example/", None),
        ("//elsewhere.example/", None),
        ("javascript:alert(1)", None),
    ],
)
def test_a_verb_leads_back_to_where_it_was_asked_but_never_out_of_the_portal(
    portal: Client, make_job: MakeJob, asked_from: str, leads_to: str | None
) -> None:
    job = make_job(Status.QUEUED)
    response = portal.post(address(job, "pause"), {"next": asked_from})
    assert response.headers["Location"] == (leads_to or address(job))


def test_buttons_do_not_make_a_page_new_each_time_it_is_looked_at(portal: Client, make_job: MakeJob) -> None:
    """Their form, whose token is new each time, stands outside of what is drawn again and again."""
    job = make_job(Status.QUEUED)
    cursor = re.search(r'"cursor": "(\w+)"', read(portal, address(job)))
    assert cursor is not None
    following = {"HX-Request": "true", "HX-Target": "job-live"}
    assert portal.get(address(job), {"cursor": cursor[1]}, headers=following).status_code == 204
