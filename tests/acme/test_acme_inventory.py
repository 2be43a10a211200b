"""The kind acme_inventory keeps the contract of all kinds, and survives the service's moods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from django.conf import LazySettings

from connectors.base import Connector
from connectors.errors import ConfigError
from connectors.records import Field, encode_value
from connectors.testing import Connect, ConnectorContract, Row
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.testing import run_sync_job
from tests.acme.inventory_service import InventoryService, inventory_service
from tests.acme.sync_connectors.acme_inventory import AcmeInventoryConnector

API_KEY = "k3y-of-the-inventory-tests"


@pytest.fixture
def service() -> Iterator[InventoryService]:
    with inventory_service(API_KEY) as running:
        yield running


class TestAcmeInventory(ConnectorContract):
    connector_class = AcmeInventoryConnector

    @pytest.fixture
    def connect(self, service: InventoryService) -> Connect:
        self.service = service
        return lambda: AcmeInventoryConnector("inventory", {"base_url": service.url}, {"api_key": API_KEY})

    def fill(
        self, connector: Connector, stream: str, fields: Sequence[Field], key: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        records = [
            {field.name: encode_value(field.type, value) for field, value in zip(fields, row, strict=True)}
            for row in rows
        ]
        self.service.add(stream, {field.name: field.type for field in fields}, key, records)


def test_wrong_key_is_told_by_the_connection_test(service: InventoryService) -> None:
    connector = AcmeInventoryConnector("inventory", {"base_url": service.url}, {"api_key": "wrong"})
    with closing(connector):
        (step,) = connector.check()
    assert (step.name, step.ok) == ("log in", False)
    assert "credentials refused" in step.message


def test_service_that_answers_something_else_is_no_empty_success(service: InventoryService) -> None:
    service.lists = {"articles": {"name": "articles", "fields": [{"name": "number", "type": "price"}], "key": []}}
    connector = AcmeInventoryConnector("inventory", {"base_url": service.url}, {"api_key": API_KEY})
    with closing(connector), pytest.raises(ConfigError, match="did not answer as an inventory service does"):
        connector.streams()


@pytest.fixture
def sync_of_articles(service: InventoryService, settings: LazySettings) -> Iterator[str]:
    """The slug of a type that reads the list `articles` into a table."""
    articles = [{"number": f"A{number:04}", "stock": number} for number in range(1_200)]
    service.add("articles", {"number": "text", "stock": "integer"}, ["number"], articles)
    for shape in (
        {
            "slug": "inventory",
            "kind": "acme_inventory",
            "config": {"base_url": service.url},
            "credentials": {"api_key": API_KEY},
            "rate_limit_per_minute": 60_000,
        },
        {"slug": "shop", "kind": "sqlite", "config": {"path": "shop.sqlite3"}},
    ):
        save_connector(connector_from_shape(shape))
    stream = {"source": "articles", "target": "articles", "key": ["number"], "mode": "upsert", "extent": "full"}
    shape = {
        "slug": "acme-articles",
        "name": "Articles",
        "source_connector": "inventory",
        "target_connector": "shop",
        "config": {"streams": [stream]},
    }
    yield save_job_type(job_type_from_shape(shape), actor="acme").slug
    for path in settings.SYNCDECK_DATA_DIR.glob("shop.sqlite3*"):
        path.unlink()


@pytest.mark.django_db
def test_list_is_synced_like_any_other_stream(sync_of_articles: str, service: InventoryService) -> None:
    assert run_sync_job(sync_job_type=sync_of_articles).job.counts["inserted"] == 1_200
    service.records["articles"][7]["stock"] = -1
    counts = run_sync_job(sync_job_type=sync_of_articles).job.counts
    assert (counts["updated"], counts["unchanged"]) == (1, 1_199)
