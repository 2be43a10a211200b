"""What a reader has made of a page is made where the page is read, ahead of its turn, and comes with it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from connectors import network
from connectors.errors import DataError, Interrupted
from connectors.records import Batch, ReadRequest
from connectors.surroundings import Interruption, Surroundings
from tests.connectors.scripted_server import reply_json, scripted_server
from tests.connectors.test_reading_ahead import COLUMNS, LIMIT_SECONDS, codes, page, portal, reading_threads

Rows = Sequence[tuple[Any, ...]]


@pytest.fixture(autouse=True)
def _allow_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_allowances", ())
    network.configure(["127.0.0.1"])


def test_page_in_preparation_is_let_go_when_the_job_is_told_to_end() -> None:
    interruption, begun, may_end = Interruption(), threading.Event(), threading.Event()

    def prepare(_names: tuple[str, ...], rows: Rows) -> None:
        if rows[0] == ("2a",):
            begun.set()
            assert may_end.wait(LIMIT_SECONDS)

    def end() -> None:
        assert begun.wait(LIMIT_SECONDS)
        interruption.request("canceled")
        may_end.set()

    request = ReadRequest("places", batch_size=2, may_read_ahead=True, prepare=prepare)
    with (
        scripted_server(COLUMNS, page(1), page(2), page(3)) as server,
        portal(server, Surroundings(interruption)) as connector,
    ):
        batches = connector.read(request)
        next(batches)
        threading.Thread(target=end).start()
        with pytest.raises(Interrupted, match="canceled"):
            list(batches)
        assert reading_threads() == []
    assert len(server.requests) == 3


class Preparation:
    """Says when it was asked for each page, and by whom."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.happened = [threading.Event() for _ in range(3)]

    def __call__(self, names: tuple[str, ...], rows: Rows) -> Any:
        self.threads.append(threading.current_thread())
        number = int(rows[0][0][0])
        self.happened[number - 1].set()
        if number == 3:
            raise DataError("bad_page", "the third page does not fit")
        return names, len(rows), number


def test_page_is_prepared_ahead_of_its_turn_and_its_error_waits_for_that_turn() -> None:
    preparation = Preparation()
    request = ReadRequest("places", batch_size=2, may_read_ahead=True, prepare=preparation)
    with scripted_server(COLUMNS, page(1), page(2), page(3)) as server, portal(server) as connector:
        batches = connector.read(request)
        assert next(batches).prepared == (("code",), 2, 1)
        assert preparation.happened[1].wait(LIMIT_SECONDS)
        second = next(batches)
        assert preparation.happened[2].wait(LIMIT_SECONDS)
        assert (codes(second), second.prepared) == (["2a", "2b"], (("code",), 2, 2))
        with pytest.raises(DataError, match="the third page does not fit"):
            next(batches)
    assert threading.main_thread() not in preparation.threads
    assert reading_threads() == []


def test_page_is_prepared_by_the_reader_where_nothing_is_read_ahead() -> None:
    preparation = Preparation()
    request = ReadRequest("places", batch_size=2, prepare=preparation)
    with scripted_server(COLUMNS, page(1), page(2), reply_json([])) as server, portal(server) as connector:
        found: list[Batch] = list(connector.read(request))
    assert [batch.prepared[2] for batch in found] == [1, 2]
    assert set(preparation.threads) == {threading.current_thread()}
