"""A source that goes round in circles is noticed, whatever the circle's length and beginning."""

from __future__ import annotations

from contextlib import closing
from itertools import chain, cycle, islice
from typing import Any

import pytest

from connectors.errors import ConfigError
from connectors.paging import LoopGuard
from connectors.records import ReadRequest
from connectors.soda import SodaConnector
from tests.connectors.scripted_server import reply_json, scripted_server


@pytest.mark.parametrize("length", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("lead", [0, 1, 5, 64, 1000])
def test_circle_is_noticed_before_its_fourth_round(lead: int, length: int) -> None:
    guard, places = LoopGuard(), chain(range(lead), cycle(range(lead, lead + length)))
    noticed = next(number for number, place in enumerate(places) if guard.comes_back_to(place))
    assert noticed <= 3 * (lead + length)


def test_long_way_without_a_circle_is_none() -> None:
    guard = LoopGuard()
    assert not any(guard.comes_back_to(place) for place in islice(range(100_000), 100_000))


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_portal_that_sends_pages_in_turn_for_ever_is_stopped(pages: int) -> None:
    columns = {"columns": [{"fieldName": "code", "dataTypeName": "text"}]}

    def page(number: int) -> Any:
        return reply_json([{":id": f"row-{number}{one}", "code": "x"} for one in range(10)])

    answers = [reply_json(columns), *[page(number) for number in range(pages)] * 5]
    config = {"base_url": "", "datasets": {"places": "aaaa-0001"}}
    with (
        scripted_server(*answers) as server,
        closing(SodaConnector("portal", config | {"base_url": server.url}, {})) as portal,
    ):
        with pytest.raises(ConfigError, match="sent the same page of places twice") as caught:
            list(portal.read(ReadRequest("places", batch_size=10)))
        assert len(server.requests) < len(answers)
    assert caught.value.code == "protocol"
