"""How long the dispatcher rests between rounds. Nothing waits here: it is told how long its rounds took."""

from __future__ import annotations

import pytest

from syncjobs.management.commands import dispatcher


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, to be set."""
    times = [0.0]
    monkeypatch.setattr("syncjobs.management.commands.dispatcher.time.monotonic", lambda: times[0])
    return times


def test_nudge_after_idleness_is_answered_at_once_however_often(clock: list[float]) -> None:
    breath = dispatcher.Breath()
    for _ in range(100):
        clock[0] += 0.05
        assert breath.seconds_of_rest(worked=0.01) == 0


def test_nudges_without_end_leave_half_of_the_time_to_others(clock: list[float]) -> None:
    breath = dispatcher.Breath()
    worked = 0.0
    while clock[0] < 10:
        worked += 0.01
        clock[0] += 0.01
        clock[0] += breath.seconds_of_rest(worked=0.01)
    assert 4.5 < worked < 5.5
