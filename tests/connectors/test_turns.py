"""The limit of requests per minute: spread evenly, shared by all who use a connector, and interruptible."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from connectors.errors import Interrupted
from connectors.http import HttpSession
from connectors.models import Connector
from connectors.shared_turns import SharedTurns, TurnRow
from connectors.surroundings import Interruption, Surroundings
from connectors.turns import OwnTurns, Turn, next_turn
from tests.connectors.scripted_server import reply_json, scripted_server


class Hurry(Interruption):
    """Keeps how long was to be waited, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def portal_row(limit: int | None = 60, url: str = "http://127.0.0.1:9") -> Connector:
    config = {"base_url": url, "datasets": {"places": "aaaa-0001"}}
    return Connector(slug="portal", kind="soda", config=config, rate_limit_per_minute=limit)


@pytest.mark.parametrize(
    ("free_in", "interval", "turn", "then"),
    [
        (-3.0, 0.5, Turn(0.0), 0.5),
        (0.0, 0.5, Turn(0.0), 0.5),
        (2.0, 0.5, Turn(2.0), 2.5),
        (10.0, 0.5, Turn(10.0), 10.5),
        (10.5, 0.5, Turn(5.5, is_ours=False), 10.5),
        (60.0, 60.0, Turn(60.0), 120.0),
        (90.0, 60.0, Turn(60.0, is_ours=False), 90.0),
        (3600.0, 0.5, Turn(10.0), 10.5),
        (150.0, 60.0, Turn(60.0), 120.0),
    ],
)
def test_turns_are_spread_evenly_and_given_ahead_for_a_short_while(
    free_in: float, interval: float, turn: Turn, then: float
) -> None:
    assert next_turn(free_in, interval) == (turn, then)


def test_threads_of_a_process_share_its_turns() -> None:
    turns, waits = OwnTurns(60), list[float]()
    threads = [threading.Thread(target=lambda: waits.append(turns.take().wait_seconds)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx(list(range(8)), abs=0.9)


def test_requests_wait_for_their_turns_in_phase_waiting_and_say_so_once() -> None:
    told: list[tuple[str, str]] = []
    phases: list[str] = []

    @contextmanager
    def waiting() -> Iterator[None]:
        phases.append("waiting")
        yield
        phases.append("reading")

    hurry = Hurry()
    surroundings = Surroundings(hurry, lambda *line: told.append(line), waiting, OwnTurns(20))
    with scripted_server(reply_json([])) as server, closing(HttpSession(surroundings)) as session:
        for _ in range(4):
            session.get_json(server.url)
    assert hurry.waits == pytest.approx([3, 6, 9], abs=2.5)
    assert phases == ["waiting", "reading"] * 3
    assert told == [("INFO", "Waits 3 s for its turn: the connector allows 20 requests a minute to all jobs together")]


def test_who_comes_when_too_many_wait_asks_again() -> None:
    hurry, turns = Hurry(), OwnTurns(60)
    while (turn := turns.take()).is_ours:
        assert turn.wait_seconds <= 10
    turns._free_at -= 5.9  # so much later
    Surroundings(hurry, turns=turns).wait_for_turn()
    assert len(hurry.waits) == 1


def test_wait_for_a_turn_ends_at_once_when_the_job_is_asked_to_end() -> None:
    surroundings = Surroundings(turns=OwnTurns(1))
    surroundings.wait_for_turn()
    threading.Timer(0.2, surroundings.interruption.request, ["cancel"]).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        surroundings.wait_for_turn()
    assert time.monotonic() - started < 5


@pytest.mark.django_db
def test_all_who_open_a_connector_share_its_turns() -> None:
    row = portal_row()
    row.save()
    waits = []
    for _ in range(3):
        with closing(row.open()) as opened:
            turns = opened.surroundings.turns
            assert isinstance(turns, SharedTurns)
            waits.append(turns.take().wait_seconds)
    assert waits == pytest.approx([0, 1, 2], abs=0.9)
    row.delete()
    assert not TurnRow.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [-5, 5])
def test_clock_that_was_set_stops_no_request(hours: int) -> None:
    row = portal_row()
    row.save()
    turns = SharedTurns(row.pk, 60)
    turns.take()
    TurnRow.objects.update(free_at=timezone.now() + timedelta(hours=hours))
    assert turns.take().wait_seconds <= 10


@pytest.mark.django_db
def test_connection_test_takes_turns_and_waits_for_none() -> None:
    columns = {"columns": [{"fieldName": "code", "dataTypeName": "text"}]}
    with scripted_server(reply_json([columns])) as server:
        row = portal_row(limit=1, url=server.url)
        row.save()
        with closing(row.open()) as opened:
            assert [step.ok for step in opened.check()] == [True] * 5
        assert len(server.requests) == 3
    assert TurnRow.objects.get().free_at > timezone.now() + timedelta(seconds=59)


def test_connector_without_a_limit_or_a_row_needs_no_database() -> None:
    with closing(portal_row(None).open()) as free, closing(portal_row(6).open()) as unsaved:
        assert free.surroundings.turns is None
        assert isinstance(unsaved.surroundings.turns, OwnTurns)
