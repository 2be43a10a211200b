"""What every kind that runs custom queries must do alike; part of the contract in connectors.testing. Needs pytest."""
# ruff: noqa: S101

from __future__ import annotations

import json
from itertools import chain

import pytest

from connectors.base import Connector
from connectors.errors import ConfigError, DataError
from connectors.query_texts import CustomQuery
from connectors.records import Filter, PartitionRequest, ReadRequest
from connectors.testing_samples import CITIES

QUERY = 'SELECT "code", "name" AS "title" FROM "cities"'


class QueryConformance:
    """Custom queries in place of tables, and ranges of both."""

    @pytest.fixture
    def queried(self, cities: Connector) -> Connector:
        """The connector to 50 cities, which knows the query as stream `titles`."""
        cities.define_query("titles", CustomQuery(QUERY, ("code",)))
        return cities

    def test_query_is_a_stream_with_fields_key_and_count(self, queried: Connector) -> None:
        schema = queried.schema("titles")
        assert (schema.names, schema.key) == (("code", "title"), ("code",))
        assert queried.count("titles") == len(CITIES)
        assert queried.count("titles", (Filter("code", "eq", CITIES[0][0]),)) == 1

    def test_query_goes_on_from_every_position(self, queried: Connector) -> None:
        request = ReadRequest("titles", key=("code",), batch_size=7)
        pages = list(queried.read(request))
        codes = [[row[0] for row in page.rows] for page in pages]
        assert sorted(chain(*codes)) == sorted(city[0] for city in CITIES)
        for number, page in enumerate(pages):
            again = ReadRequest("titles", key=("code",), batch_size=7, position=json.loads(json.dumps(page.position)))
            assert [[row[0] for row in one.rows] for one in queried.read(again)] == codes[number + 1 :]

    @pytest.mark.parametrize("stream", ["titles", "cities"])
    def test_ranges_hold_every_record_once(self, queried: Connector, stream: str) -> None:
        request = ReadRequest(stream, key=("code",), partition=PartitionRequest("code", 20))
        pages = list(queried.read(request))
        assert len(pages) >= 3
        assert sorted(row[0] for page in pages for row in page.rows) == sorted(city[0] for city in CITIES)

    def test_query_that_does_more_than_read_is_refused(self, cities: Connector) -> None:
        for text in ('DELETE FROM "cities"', f"{QUERY}; {QUERY}", 'WITH x AS (DELETE FROM "cities") SELECT 1'):
            with pytest.raises(ConfigError) as refused:
                cities.define_query("titles", CustomQuery(text))
            assert refused.value.code == "query_refused"
        assert cities.count("cities") == len(CITIES)

    def test_key_that_is_not_in_the_query_is_named(self, cities: Connector) -> None:
        with pytest.raises(DataError) as refused:
            cities.define_query("titles", CustomQuery(QUERY, ("code", "country")))
        assert refused.value.code == "column_mismatch"
        assert "'country'" in refused.value.message
