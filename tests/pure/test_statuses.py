"""The table of legal moves, word for word as the design draws it."""

from __future__ import annotations

import pytest

from syncjobs.statuses import ACTIVE, DONE, FINAL, MOVES, Phase, Status, Trigger, can_move, status_label

DRAWN_MOVES = """
pending: queued canceled
queued: started skipped failed paused canceled
started: finished skipped relayed no_target failed error held paused queued canceled
paused: queued canceled
held: queued canceled
failed: queued canceled
error: queued canceled
"""


def drawn_moves() -> set[tuple[str, str]]:
    lines = [line.split(": ") for line in DRAWN_MOVES.strip().splitlines()]
    return {(old, new) for old, targets in lines for new in targets.split()}


def test_exactly_the_drawn_moves_are_legal() -> None:
    legal = {(str(old), str(new)) for old in Status for new in Status if can_move(old, new)}
    assert legal == drawn_moves()


def test_every_status_has_moves_a_label_and_a_next_step_unless_it_finished() -> None:
    assert set(MOVES) == set(Status)
    for status in Status:
        assert status.label
        assert bool(status.next_step) is (status is not Status.FINISHED)


@pytest.mark.parametrize("status", sorted(DONE | {Status.CANCELED}))
def test_nothing_leads_out_of_what_is_done_or_canceled(status: Status) -> None:
    assert not MOVES[status]


def test_the_sets_of_statuses_do_not_overlap_wrongly() -> None:
    assert not ACTIVE & FINAL
    assert DONE < FINAL
    assert set(Status) - FINAL - ACTIVE == {Status.PENDING, Status.PAUSED, Status.HELD}


def test_stored_words_and_labels_are_those_of_the_design() -> None:
    assert [str(status) for status in Status][:5] == ["pending", "queued", "started", "paused", "held"]
    assert Status("no_target") is Status.NO_TARGET
    assert Status.NO_TARGET.label == "No Target"
    assert " ".join(Trigger) == "manual scheduler api cli webhook document_hook relay retry revert chain"
    assert Trigger.DOCUMENT_HOOK.label == "Document Hook"
    assert " ".join(Phase) == "initializing reading comparing writing waiting"
    assert ("cli", "CLI") in Trigger.choices()


def test_a_pill_says_planned_for_a_dry_run_and_when_a_retry_is_due() -> None:
    assert status_label(Status.FINISHED) == "Finished"
    assert status_label(Status.FINISHED, dry_run=True) == "Planned"
    assert status_label(Status.STARTED, dry_run=True) == "Started"
    assert status_label(Status.FAILED, retry_in_seconds=27.6) == "Retry in 28 s"
    assert status_label(Status.FAILED, retry_in_seconds=-3) == "Retry in 0 s"
    assert status_label(Status.FAILED, retry_in_seconds=290) == "Retry in 5 min"
    assert status_label(Status.FAILED, retry_in_seconds=24 * 3600) == "Retry in 24 h"
    assert status_label(Status.FAILED) == "Failed"
