"""A look into a system: its streams by kind, a stream's schema and first records, within limits of time and number."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import LazySettings

from connectors.errors import ConfigError, TransientError
from connectors.models import Connector
from connectors.sampling import MOST_SAMPLE_ROWS, list_streams, sample_stream

pytestmark = pytest.mark.django_db
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"


@pytest.fixture
def shop(settings: LazySettings) -> Iterator[Connector]:
    path = Path(settings.SYNCDECK_DATA_DIR) / "sampled.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE items (sku TEXT PRIMARY KEY, price REAL)")
        database.executemany("INSERT INTO items VALUES (?, ?)", [(f"s{number:04}", number) for number in range(300)])
        database.execute("CREATE VIEW cheap AS SELECT * FROM items WHERE price < 5")
        database.execute(f"CREATE VIEW slow AS {ENDLESS}")
    yield Connector.objects.create(slug="shop", kind="sqlite", config={"path": path.name})
    path.unlink()


def test_streams_are_listed_by_name_with_the_kind_of_thing_that_they_are(shop: Connector) -> None:
    found = [(info.name, info.kind) for info in list_streams(shop)]
    assert found == [("cheap", "view"), ("items", "table"), ("slow", "view")]


def test_a_sample_is_the_schema_and_no_more_records_than_asked_for(shop: Connector) -> None:
    sample = sample_stream(shop, "items")
    assert sample.schema.key == ("sku",)
    assert sample.batch.names == ("sku", "price")
    assert [row[0] for row in sample.batch.rows] == [f"s{number:04}" for number in range(20)]
    assert len(sample_stream(shop, "items", rows=100_000).batch.rows) == MOST_SAMPLE_ROWS


def test_the_schema_alone_reads_no_record(shop: Connector) -> None:
    sample = sample_stream(shop, "slow", rows=0)
    assert [field.name for field in sample.schema.fields] == ["i"]
    assert not sample.batch.rows


def test_what_takes_too_long_is_given_up_with_a_sentence(shop: Connector) -> None:
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"^shop: the first records of slow did not come within 0\.3 seconds"):
        sample_stream(shop, "slow", seconds=0.3)
    assert time.monotonic() - started < 10


def test_a_stream_that_is_not_there_names_what_there_is(shop: Connector) -> None:
    with pytest.raises(ConfigError, match="it has: cheap, items, slow"):
        sample_stream(shop, "nothing")


def test_a_connector_that_is_switched_off_is_not_looked_into(shop: Connector) -> None:
    shop.enabled = False
    with pytest.raises(ConfigError, match="switched off"):
        list_streams(shop)
