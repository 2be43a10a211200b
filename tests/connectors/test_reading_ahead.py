"""The next page is fetched while the one before is worked on: one, in order, ended at once, never left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from connectors import network
from connectors.errors import ConfigError, Interrupted
from connectors.records import Batch, ReadRequest
from connectors.soda import SodaConnector
from connectors.surroundings import Interruption, Surroundings
from connectors.turns import OwnTurns
from tests.connectors.scripted_server import Answer, ScriptedServer, reply, reply_json, scripted_server, stay_silent

LIMIT_SECONDS = 15.0
COLUMNS = reply_json({"columns": [{"fieldName": "code", "dataTypeName": "text"}]})
AHEAD = ReadRequest("places", batch_size=2, may_read_ahead=True)
IN_TURN = ReadRequest("places", batch_size=2)


@pytest.fixture(autouse=True)
def _allow_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_allowances", ())
    network.configure(["127.0.0.1"])


def page(number: int) -> Answer:
    """Two records."""
    return reply_json([{":id": f"row-{number}{letter}", "code": f"{number}{letter}"} for letter in "ab"])


class Asked:
    """An answer that says when it is asked for."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.happened = answer, threading.Event()

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.happened.set()
        self.answer(handler)

    def wait(self) -> None:
        assert self.happened.wait(LIMIT_SECONDS)


@contextmanager
def portal(server: ScriptedServer, surroundings: Surroundings | None = None) -> Iterator[SodaConnector]:
    config = {"base_url": server.url, "datasets": {"places": "aaaa-0001"}}
    with closing(SodaConnector("portal", config, {}, surroundings)) as connector:
        yield connector


def codes(batch: Batch) -> list[Any]:
    return [code for (code,) in batch.rows]


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_next_page_is_fetched_before_it_is_asked_for_and_no_further_one() -> None:
    second, third = Asked(page(2)), Asked(page(3))
    with scripted_server(COLUMNS, page(1), second, third, reply_json([])) as server, portal(server) as connector:
        batches = connector.read(AHEAD)
        assert codes(next(batches)) == ["1a", "1b"]
        second.wait()
        assert not third.happened.is_set()
        assert codes(next(batches)) == ["2a", "2b"]
        third.wait()
        assert [codes(batch) for batch in batches] == [["3a", "3b"]]
        assert len(server.requests) == 5
    assert reading_threads() == []


@pytest.mark.parametrize(
    ("request_", "surroundings"), [(IN_TURN, Surroundings()), (AHEAD, Surroundings(turns=OwnTurns(60_000)))]
)
def test_pages_come_in_turn_unless_the_reader_may_read_ahead_and_shares_no_turns(
    request_: ReadRequest, surroundings: Surroundings
) -> None:
    with (
        scripted_server(COLUMNS, page(1), page(2), reply_json([])) as server,
        portal(server, surroundings) as connector,
    ):
        for number, batch in enumerate(connector.read(request_), 1):
            assert codes(batch) == [f"{number}a", f"{number}b"]
            assert len(server.requests) == 1 + number
            assert reading_threads() == []
        assert len(server.requests) == 4


def test_error_comes_at_its_page_and_refused_credentials_are_noted_by_the_reader() -> None:
    noted: list[tuple[str, threading.Thread]] = []
    surroundings = Surroundings(note_refusal=lambda message: noted.append((message, threading.current_thread())))
    refusal = Asked(reply(401))
    with scripted_server(COLUMNS, page(1), refusal) as server, portal(server, surroundings) as connector:
        batches = connector.read(AHEAD)
        assert codes(next(batches)) == ["1a", "1b"]
        refusal.wait()
        assert noted == []
        with pytest.raises(ConfigError, match="credentials refused"):
            next(batches)
    assert [thread for _, thread in noted] == [threading.current_thread()]
    assert reading_threads() == []


def test_wait_for_a_page_ends_as_soon_as_the_job_is_told_to_end() -> None:
    interruption, silence = Interruption(), Asked(stay_silent)
    with (
        scripted_server(COLUMNS, page(1), silence) as server,
        portal(server, Surroundings(interruption)) as connector,
    ):
        batches = connector.read(AHEAD)
        next(batches)
        silence.wait()
        threading.Thread(target=interruption.request, args=("canceled",)).start()
        with pytest.raises(Interrupted, match="canceled"):
            next(batches)
        assert reading_threads() == []


def test_reader_that_is_told_to_end_before_it_begins_fetches_nothing() -> None:
    interruption = Interruption()
    with scripted_server(COLUMNS, page(1)) as server, portal(server, Surroundings(interruption)) as connector:
        connector.schema("places")
        interruption.request("canceled")
        with pytest.raises(Interrupted, match="canceled"):
            next(connector.read(AHEAD))
        assert len(server.requests) == 1


@pytest.mark.parametrize("who", ["connector", "reader"])
def test_page_that_nobody_wants_any_more_is_let_go_with_its_thread(who: str) -> None:
    silence = Asked(stay_silent)
    with scripted_server(COLUMNS, page(1), silence) as server, portal(server) as connector:
        batches = connector.read(AHEAD)
        next(batches)
        silence.wait()
        assert len(reading_threads()) == 1
        if who == "connector":
            connector.close()
        else:
            batches.close()  # type: ignore[attr-defined]
        assert reading_threads() == []


def test_job_shows_that_it_waits_only_while_it_waits_for_the_page() -> None:
    waits: list[threading.Thread] = []
    told = threading.Event()

    @contextmanager
    def waiting() -> Iterator[None]:
        waits.append(threading.current_thread())
        yield

    surroundings = Surroundings(waiting=waiting, notify=lambda _level, _message: told.set())
    busy = reply(429, Retry_After="1")
    with scripted_server(COLUMNS, page(1), busy, reply_json([])) as server, portal(server, surroundings) as connector:
        batches = connector.read(AHEAD)
        next(batches)
        assert told.wait(LIMIT_SECONDS)
        assert waits == []
        assert list(batches) == []
    assert set(waits) <= {threading.current_thread()}
