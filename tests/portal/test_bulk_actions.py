"""One verb on many ticked jobs: what is done, what is refused, what is asked before."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from syncjobs.models import JobEvent, SyncJob
from syncjobs.portal.job_actions import ACTIONS
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob

ACT, BACK = "/admin/jobs/act/", "/admin/jobs/?type=airports"


def act(client: Client, action: str, jobs: list[SyncJob], **typed: Any) -> str:
    ticked = {"action": action, "_selected_action": [job.pk for job in jobs], "next": BACK}
    response = client.post(ACT, ticked | typed, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def statuses(jobs: list[SyncJob]) -> list[str]:
    found = SyncJob.objects.in_bulk([job.pk for job in jobs])
    return [found[job.pk].status if job.pk in found else "gone" for job in jobs]


def test_the_list_offers_every_verb_and_a_box_for_each_job(portal: Client, make_job: MakeJob) -> None:
    jobs = [make_job(Status.QUEUED) for _ in range(3)]
    text = portal.get("/admin/jobs/").content.decode()
    options = re.findall(r'<option value="(\w+)">', text.partition('name="action"')[2].partition("</select>")[0])
    assert sorted(options) == sorted(ACTIONS.keys() - {"apply", "revert"}), "these are asked for one by one"
    boxes = re.findall(r'name="_selected_action" value="(\d+)" form="verbs"', text)
    assert sorted(map(int, boxes)) == [job.pk for job in jobs]


def test_what_can_be_done_is_done_and_the_rest_is_named(portal: Client, make_job: MakeJob) -> None:
    queued = [make_job(Status.QUEUED) for _ in range(4)]
    started, finished = make_job(Status.STARTED), make_job(Status.FINISHED)
    text = act(portal, "pause", [*queued, started, finished])
    assert f"5 paused or asked to pause, 1 refused: job #{finished.pk} is finished, so it cannot be paused." in text
    assert statuses([*queued, started, finished]) == ["paused"] * 4 + ["started", "finished"]
    assert SyncJob.objects.get(pk=started.pk).pause_requested_at is not None


def test_many_refusals_are_folded_away(portal: Client, make_job: MakeJob) -> None:
    jobs = [make_job(Status.FINISHED) for _ in range(30)]
    text = act(portal, "resume", jobs)
    message = text.partition('class="messages"')[2].partition("</details>")[0]
    assert "Nothing was done, 30 refused: job #" in message
    assert "28 more refused" in message
    assert message.count("<li>job #") == 28


def test_all_done_is_said_without_a_refusal(portal: Client, make_job: MakeJob) -> None:
    text = act(portal, "retry", [make_job(Status.FAILED), make_job(Status.ERROR)])
    assert "2 queued again." in text
    assert "refused" not in text


@pytest.mark.parametrize(
    ("action", "status", "after"),
    [
        ("cancel", Status.QUEUED, "canceled"),
        ("discard", Status.HELD, "canceled"),
        ("delete", Status.FINISHED, "gone"),
        ("restart", Status.FAILED, "canceled"),
    ],
)
def test_what_cannot_be_undone_is_asked_once_for_all(
    portal: Client, make_job: MakeJob, action: str, status: Status, after: str
) -> None:
    jobs = [make_job(status) for _ in range(3)]
    question = act(portal, action, jobs)
    assert f"{ACTIONS[action].label} 3 jobs?" in question
    assert question.count('type="hidden" name="_selected_action"') == 3
    assert ('name="reason"' in question) == (action in ("cancel", "discard"))
    assert statuses(jobs) == [status.value] * 3, "asking does nothing"
    done = act(portal, action, jobs, confirmed="yes", reason="tidied up")
    assert "3 " in done.partition('class="messages"')[2][:200]
    assert statuses(jobs) == [after] * 3
    if action in ("cancel", "discard"):
        assert JobEvent.objects.filter(new="canceled", reason="tidied up", actor="anna").count() == 3


def test_restarted_jobs_belong_to_the_person_who_asked(portal: Client, make_job: MakeJob) -> None:
    old = make_job(Status.FINISHED)
    act(portal, "restart", [old], confirmed="yes")
    new = SyncJob.objects.get(restarted_from=old)
    assert new.triggered_by is not None
    assert new.triggered_by.username == "anna"


def test_a_question_names_some_jobs_and_counts_the_others(portal: Client, make_job: MakeJob) -> None:
    jobs = [make_job(Status.FINISHED) for _ in range(25)]
    assert "and 5 more" in act(portal, "delete", jobs)


@pytest.mark.parametrize(
    "typed",
    [
        {"action": ""},
        {"action": "explode"},
        {"_selected_action": []},
        {"_selected_action": ["x", "-1", "9" * 5000, "²"]},
    ],
)
def test_nothing_chosen_or_ticked_does_nothing_and_says_so(
    portal: Client, make_job: MakeJob, typed: dict[str, Any]
) -> None:
    job = make_job(Status.QUEUED)
    assert "Tick the jobs and choose" in act(portal, typed.pop("action", "pause"), [job], **typed)
    assert statuses([job]) == ["queued"]


def test_a_job_that_is_gone_is_named(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.QUEUED)
    text = act(portal, "pause", [job], _selected_action=[job.pk, job.pk + 100])
    assert f"1 paused or asked to pause, 1 refused: there is no job #{job.pk + 100}." in text


def test_it_leads_back_to_the_filtered_list(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.QUEUED)
    ticked = {"action": "pause", "_selected_action": [job.pk]}
    assert portal.post(ACT, ticked | {"next": BACK}).headers["Location"] == BACK
    assert portal.post(ACT, ticked | {"next": "//elsewhere.example/"}).headers["Location"] == "/admin/jobs/"
