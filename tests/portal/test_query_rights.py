"""The form of a type with a custom query: who may write it, and what the others see."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from connectors.models import Connector
from syncjobs.models import JobTypeVersion, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.portal.conftest import MakeStaff
from tests.portal.test_job_types import typed

QUERY = "SELECT id, name FROM customers WHERE active"
STREAM: dict[str, Any] = {"source": "active customers", "query": QUERY, "target": "customers", "key": ["id"]}
PAGE = "/admin/job-types/customers/"
RIGHTS = ("view_syncjobtype", "change_syncjobtype", "add_syncjobtype")


@pytest.fixture
def customers(db: None) -> SyncJobType:
    for slug in ("shop", "store", "warehouse"):
        save_connector(connector_from_shape({"slug": slug, "kind": "sqlite", "config": {"path": f"{slug}.sqlite3"}}))
    shape = {"slug": "customers", "source_connector": "shop", "target_connector": "warehouse"}
    return save_job_type(job_type_from_shape(shape | {"config": {"streams": [STREAM]}}), actor="anna")


def post(client: Client, job_type: SyncJobType, stream: dict[str, Any], **changes: Any) -> tuple[int, str]:
    config = json.dumps({"streams": [stream]})
    response = client.post(f"{PAGE}edit/", typed(job_type, **({"config": config} | changes)))
    return response.status_code, response.content.decode()


def test_somebody_with_the_permission_changes_a_query_and_the_version_says_who(
    make_staff: MakeStaff, customers: SyncJobType
) -> None:
    client = make_staff(*RIGHTS, "sql_edit")
    assert post(client, customers, STREAM | {"query": "SELECT id FROM customers"})[0] == 302
    customers.refresh_from_db()
    assert customers.config["streams"][0]["query"] == "SELECT id FROM customers"
    newest, oldest = JobTypeVersion.objects.filter(job_type=customers)
    assert (oldest.created_by, oldest.snapshot["config"]["streams"][0]["query"]) == ("anna", QUERY)
    assert newest.created_by.startswith("staff")
    assert "Can write custom queries" not in client.get(f"{PAGE}edit/").content.decode()


def test_others_see_a_query_and_change_all_but_that(make_staff: MakeStaff, customers: SyncJobType) -> None:
    client = make_staff(*RIGHTS)
    page = client.get(f"{PAGE}edit/").content.decode()
    assert "Custom queries can only be added, changed or pointed at another source by somebody with" in page
    assert QUERY in page
    assert post(client, customers, STREAM | {"batch_size": 500})[0] == 302
    customers.refresh_from_db()
    assert customers.config["streams"][0]["batch_size"] == 500


@pytest.mark.parametrize("what", ["change", "add", "elsewhere"])
def test_others_neither_change_nor_add_nor_move_a_query(
    make_staff: MakeStaff, customers: SyncJobType, what: str
) -> None:
    client, before = make_staff(*RIGHTS), copy.deepcopy(customers.config)
    changes: dict[str, Any] = {}
    stream = STREAM | {"query": "SELECT id, secret AS name FROM customers"}
    if what == "add":
        streams = [STREAM, STREAM | {"source": "all", "target": "all", "query": "SELECT * FROM customers"}]
        changes["config"] = json.dumps({"streams": streams})
    if what == "elsewhere":
        stream = STREAM
        changes["source_connector"] = str(Connector.objects.get(slug="store").pk)
    status, page = post(client, customers, stream, **changes)
    assert status == 422
    assert f"streams[{int(what == 'add')}].query: Custom queries can only be added, changed or pointed" in page
    customers.refresh_from_db()
    assert customers.config == before
    assert customers.version == 1


def test_a_new_type_with_a_query_needs_the_permission_too(make_staff: MakeStaff, customers: SyncJobType) -> None:
    for permissions, status, number in ((RIGHTS, 422, 1), ((*RIGHTS, "sql_edit"), 302, 2)):
        new = typed(customers, slug="copy", name="Copy", version="")
        response = make_staff(*permissions).post("/admin/job-types/-/add/", new)
        assert response.status_code == status
        assert SyncJobType.objects.count() == number


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        ({"query": "DELETE FROM customers"}, "streams[0].query: it must begin with SELECT, WITH, VALUES or TABLE"),
        ({"query": "SELECT 1; SELECT 2"}, "streams[0].query: only one statement is allowed"),
        ({"query": "SELECT 'a"}, "streams[0].query: a text in single quotes is not closed"),
        ({"query": "  "}, "streams[0].query: the query is empty"),
        ({"partition": {"field": "id"}}, "partition"),
        ({"max_rows": 0}, "max_rows"),
        (
            {"extent": "incremental", "cursor": {"field": "id"}, "partition": {"field": "id", "rows": 1000}},
            "streams[0].partition: extent incremental reads in pages by its cursor",
        ),
    ],
    ids=["delete", "two", "quote", "empty", "partition", "limit", "incremental"],
)
def test_what_is_clearly_wrong_is_refused_when_it_is_saved(
    customers: SyncJobType, stream: dict[str, Any], sentence: str
) -> None:
    customers.config = {"streams": [STREAM | stream]}
    with pytest.raises(ValidationError) as refused:
        save_job_type(customers, actor="anna")
    assert sentence in " ".join(refused.value.message_dict["config"])


def test_kinds_that_can_not_run_queries_say_so(customers: SyncJobType) -> None:
    datasets = {"customers": "abcd-1234"}
    shape = {"slug": "portal", "kind": "soda", "config": {"base_url": "https://data.example.org", "datasets": datasets}}
    customers.source_connector = save_connector(connector_from_shape(shape))
    parted = {name: value for name, value in STREAM.items() if name != "query"}
    for stream, words in (
        (STREAM, "Connectors of kind 'soda' can not run a custom query; leave query out."),
        (parted | {"partition": {"field": "id", "rows": 100}}, "can not be read in ranges; leave partition out."),
    ):
        customers.config = {"streams": [stream]}
        with pytest.raises(ValidationError) as refused:
            save_job_type(customers, actor="anna")
        assert words in refused.value.message_dict["source_connector"][0]
