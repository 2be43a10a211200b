"""`manage.py sync start`, `cancel`, `pause` and all the other verbs: allowed, refused, and on several jobs."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from syncjobs.management.job_verbs import ACTS
from syncjobs.management.sync_arguments import VERBS
from syncjobs.models import SyncJob
from tests.commands.conftest import Ask
from tests.lifecycle.factories import JobFactory


def job(status: str, **columns: Any) -> SyncJob:
    return JobFactory.create(status=status, **columns)


def status_of(pk: int) -> str:
    return SyncJob.objects.values_list("status", flat=True).get(pk=pk)


def test_every_verb_that_the_help_offers_is_there() -> None:
    assert set(ACTS) == set(VERBS)


@pytest.mark.parametrize(
    ("verb", "before", "words", "after"),
    [
        ("start", "pending", "is queued", "queued"),
        ("cancel", "pending", "is canceled", "canceled"),
        ("cancel", "queued", "is canceled", "canceled"),
        ("cancel", "failed", "is canceled", "canceled"),
        ("cancel", "started", "is asked to stop", "started"),
        ("pause", "queued", "is paused", "paused"),
        ("pause", "started", "is asked to pause", "started"),
        ("resume", "paused", "is queued again", "queued"),
        ("retry", "error", "is queued again", "queued"),
        ("approve", "held", "is approved, and queued", "queued"),
        ("discard", "held", "is discarded", "canceled"),
    ],
)
def test_a_verb_that_is_allowed_is_done_and_told_in_one_line(
    ask: Ask, verb: str, before: str, words: str, after: str
) -> None:
    one = job(before)
    assert ask("sync", verb, one.pk) == (0, f"Job #{one.pk} {words}.\n", "")
    assert status_of(one.pk) == after


@pytest.mark.parametrize(
    ("verb", "status", "refusal"),
    [
        ("start", "finished", "is finished, so it cannot be started; allowed now: restart, delete."),
        ("cancel", "finished", "is finished, so it cannot be canceled; allowed now: restart, delete."),
        ("pause", "paused", "so it cannot be paused; allowed now: resume, restart, cancel, delete."),
        ("resume", "queued", "so it cannot be resumed; allowed now: pause, cancel."),
        ("retry", "finished", "so it cannot be retried; allowed now: restart, delete."),
        ("restart", "queued", "so it cannot be restarted; allowed now: pause, cancel."),
        ("approve", "queued", "so there is nothing to approve; allowed now: pause, cancel."),
        ("discard", "queued", "so there is nothing to discard; allowed now: pause, cancel."),
        ("delete", "queued", "so it cannot be deleted; allowed now: pause, cancel."),
        ("retry-children", "finished", "so it has no child jobs to retry; allowed now: restart, delete."),
        ("cancel-children", "finished", "so it has no child jobs to cancel; allowed now: restart, delete."),
    ],
)
@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_verb_that_is_refused_says_on_stderr_what_is_allowed_instead(
    ask: Ask, verb: str, status: str, refusal: str, json: tuple[str, ...]
) -> None:
    one = job(status)
    said = ask("sync", verb, one.pk, *json, *(["--yes"] if verb == "delete" else []))
    assert (said.code, said.output) == (3, "")
    assert f"Job #{one.pk} is" in said.errors
    assert said.errors.endswith(f"{refusal}\n")
    assert status_of(one.pk) == status


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_job_that_is_not_there_is_not_found(ask: Ask, verb: str) -> None:
    said = ask("sync", verb, 99999, *(["--yes"] if verb == "delete" else []))
    assert (said.code, said.output) == (3, "")
    assert "There is no job #99999; list the newest with: manage.py sync list" in said.errors


@pytest.mark.parametrize(
    "arguments",
    [("cancel",), ("pause", "seven"), ("pause", "-1"), ("start", "9" * 30), ("pause", "1", "--reason", "none")],
)
def test_bad_usage_of_a_verb_is_exit_code_2(ask: Ask, arguments: tuple[str, ...]) -> None:
    said = ask("sync", *arguments)
    assert (said.code, said.output) == (2, "")
    assert "usage: manage.py sync" in said.errors


@pytest.mark.parametrize("verb", ["cancel", "discard"])
def test_a_reason_is_kept_with_the_job(ask: Ask, verb: str) -> None:
    one = job("held" if verb == "discard" else "queued")
    said = ask("sync", verb, one.pk, "--reason", "no need: é", "--json")
    assert (said.code, said.json["id"], said.json["status"]) == (0, one.pk, "canceled")
    one.refresh_from_db()
    assert one.cancel_reason == "no need: é"
    assert "no need: é" in ask("sync", "show", one.pk).output


def test_a_reason_that_is_no_text_is_bad_usage(ask: Ask) -> None:
    one = job("queued")
    said = ask("sync", "cancel", one.pk, "--reason", "caf\udce9")
    assert (said.code, said.output) == (2, "")
    assert "no text in UTF-8" in said.errors
    assert status_of(one.pk) == "queued"


def test_restart_tells_the_new_job(ask: Ask) -> None:
    old = job("failed", target_document_name="7")
    said = ask("sync", "restart", old.pk)
    new = SyncJob.objects.get(restarted_from=old)
    assert said == (0, f"Job #{old.pk} is restarted as #{new.pk}.\n", "")
    assert status_of(old.pk) == "canceled"
    told = ask("sync", "restart", job("finished", target_document_name="8").pk, "--json").json
    assert (told["status"], told["target_document_name"]) == ("queued", "8")
    assert told["id"] > new.pk


def test_restart_makes_no_second_job_of_a_dedupe_key_unless_forced(ask: Ask) -> None:
    waiting = job("queued", dedupe_key="C1")
    old = job("finished", job_type=waiting.job_type, dedupe_key="C1")
    said = ask("sync", "restart", old.pk)
    assert said.output == f"Job #{old.pk} needs no restart: job #{waiting.pk} waits already with its dedupe key.\n"
    assert not SyncJob.objects.filter(restarted_from=old).exists()
    assert "is restarted as" in ask("sync", "restart", old.pk, "--force").output
    assert SyncJob.objects.filter(restarted_from=old).exists()


# deleting


def test_delete_takes_a_job_with_its_children(ask: Ask) -> None:
    parent = job("relayed")
    for position in range(2):
        job("finished", parent=parent, position=position)
    assert ask("sync", "delete", parent.pk, "--yes") == (0, f"Job #{parent.pk} is deleted with 2 children.\n", "")
    assert not SyncJob.objects.exists()
    one = job("finished")
    assert ask("sync", "delete", one.pk, "--yes", "--json").json == {"id": one.pk, "deleted": 1}


def test_parent_and_child_are_deleted_together_whatever_their_order(ask: Ask) -> None:
    parent = job("relayed")
    child = job("finished", parent=parent, position=0)
    assert ask("sync", "delete", parent.pk, child.pk, "--yes").code == 0
    assert not SyncJob.objects.exists()


def test_delete_without_anybody_to_ask_wants_yes(ask: Ask) -> None:
    one = job("finished")
    said = ask("sync", "delete", one.pk)
    assert (said.code, said.output) == (2, "")
    assert "add --yes" in said.errors
    assert SyncJob.objects.filter(pk=one.pk).exists()


@pytest.fixture
def type_at_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Makes stdin a real terminal on which somebody has typed a line."""

    def type_line(text: str) -> None:
        controller, terminal = pty.openpty()
        stdin = os.fdopen(terminal)
        os.write(controller, f"{text}\n".encode())
        monkeypatch.setattr(sys, "stdin", stdin)
        opened.append((controller, stdin))

    opened: list[tuple[int, Any]] = []
    yield type_line
    for controller, stdin in opened:
        stdin.close()
        os.close(controller)


@pytest.mark.parametrize(("typed", "is_deleted"), [("y", True), ("YES", True), ("n", False), ("", False)])
def test_on_a_terminal_delete_asks_first(
    ask: Ask, type_at_terminal: Callable[[str], None], typed: str, is_deleted: bool
) -> None:
    one = job("finished")
    type_at_terminal(typed)
    said = ask("sync", "delete", one.pk)
    assert f"Delete job #{one.pk} with changes, logs and children? [y/N]" in said.errors
    assert said.code == (0 if is_deleted else 1)
    assert SyncJob.objects.filter(pk=one.pk).exists() is not is_deleted
    assert is_deleted or "Nothing was deleted." in said.errors


# children


def test_failed_children_are_retried_and_open_ones_canceled(ask: Ask) -> None:
    parent = job("relayed")
    for position, status in enumerate(("failed", "error", "finished", "queued")):
        job(status, parent=parent, position=position)
    assert ask("sync", "retry-children", parent.pk) == (0, f"Job #{parent.pk}: 2 children queued again.\n", "")
    said = ask("sync", "cancel-children", parent.pk, "--reason", "enough", "--json")
    assert (said.code, said.json["id"], said.json["children_summary"]["failed"]) == (0, parent.pk, 3)
    assert list(parent.children.order_by("position").values_list("status", flat=True)) == [
        *("canceled", "canceled", "finished", "canceled"),
    ]
    assert set(parent.children.exclude(status="finished").values_list("cancel_reason", flat=True)) == {"enough"}


def test_a_retry_that_is_due_is_not_asked_for_again(ask: Ask) -> None:
    parent = job("relayed")
    job("failed", parent=parent, position=0, retry_after=timezone.now())
    assert ask("sync", "retry-children", parent.pk).output == f"Job #{parent.pk}: 0 children queued again.\n"


# several jobs


def test_several_jobs_are_told_one_by_one_and_a_refusal_stops_none(ask: Ask) -> None:
    first, over, last = job("queued"), job("finished"), job("queued")
    said = ask("sync", "cancel", first.pk, over.pk, 99999, last.pk, first.pk)
    assert said.code == 3
    assert said.output == f"Job #{first.pk} is canceled.\nJob #{last.pk} is canceled.\n"
    refusals = said.errors.splitlines()
    assert len(refusals) == 2
    assert refusals[0].startswith(f"Job #{over.pk} is finished, so it cannot be canceled")
    assert refusals[1].startswith("There is no job #99999")


def test_several_jobs_give_one_object_of_those_done_and_refused(ask: Ask) -> None:
    first, over, last = job("queued"), job("finished"), job("queued")
    said = ask("sync", "pause", first.pk, over.pk, last.pk, "--json")
    assert said.code == 3
    assert set(said.json) == {"done", "refused"}
    assert [(one["id"], one["status"]) for one in said.json["done"]] == [(first.pk, "paused"), (last.pk, "paused")]
    assert list(said.json["refused"]) == [str(over.pk)]
    assert "allowed now: restart, delete" in said.json["refused"][str(over.pk)]
    well = ask("sync", "resume", first.pk, last.pk, "--json")
    assert (well.code, well.json["refused"], len(well.json["done"])) == (0, {}, 2)
