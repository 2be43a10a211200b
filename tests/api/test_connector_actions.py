"""Connectors tested, synced and looked into by programs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group

from connectors.models import ConnectionTest, Connector
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_type_states import pause_job_type
from tests.api.conftest import STREAM, Api, MakeApi, error_of, make_connectors, make_job_type


@pytest.fixture
def shop(settings: LazySettings) -> Iterator[Connector]:
    path = Path(settings.SYNCDECK_DATA_DIR) / "api-shop.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, picture BLOB, note TEXT)")
        database.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?)",
            [(number, f"person {number}", b"\x00\xff", "long " * 2_000) for number in range(30)],
        )
        database.execute('CREATE TABLE "deep/er/sample" (x INTEGER)')
        database.execute('CREATE TABLE "empty" (x INTEGER)')
    yield save_connector(connector_from_shape({"slug": "shop", "kind": "sqlite", "config": {"path": path.name}}))
    path.unlink()


def test_a_test_tells_its_steps_and_is_kept(api: Api, shop: Connector) -> None:
    answer = api.post("connectors/shop/test/")
    assert (answer.status_code, answer.json()["ok"], answer.json()["connector"]) == (200, True, "shop")
    assert all(step["ok"] for step in answer.json()["steps"])
    kept = ConnectionTest.objects.get()
    assert [step["name"] for step in answer.json()["steps"]] == [step["name"] for step in kept.steps]
    assert api.get("connectors/shop/").json()["last_test_ok"] is True


def test_a_test_that_fails_is_an_answer_and_no_error(api: Api, shop: Connector) -> None:
    shop.config["path"], shop.config["must_exist"] = "nowhere.sqlite3", True
    save_connector(shop)
    answer = api.post("connectors/shop/test/")
    assert (answer.status_code, answer.json()["ok"]) == (200, False)
    assert any(step["fix"] for step in answer.json()["steps"])


def test_sync_now_starts_the_only_type_that_reads_from_it(api: Api, job_type: SyncJobType) -> None:
    answers = [api.post("connectors/open-data/sync/", **{"Idempotency-Key": "sync-1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    job = SyncJob.objects.get()
    assert [(one["id"], one["job_type"]) for one in answers[0].json()["jobs"]] == [(job.pk, "airports")]
    assert (job.trigger_type, answers[0].json()["refused"]) == ("api", {})


def test_sync_now_asks_which_of_several(api: Api, job_type: SyncJobType) -> None:
    other = {"streams": [STREAM | {"target": "planes"}]}
    make_job_type("planes", config=other)
    answer = api.post("connectors/open-data/sync/")
    assert answer.status_code == 400
    (told,) = error_of(answer)["fields"]["job_types"]
    assert told.endswith("choose which: airports, planes.")
    chosen = api.post("connectors/open-data/sync/", {"job_types": ["planes"], "dry_run": True})
    assert [(one["job_type"], one["dry_run"]) for one in chosen.json()["jobs"]] == [("planes", True)]
    for wrong in (["nowhere"], [], ["planes", 5], "planes"):
        assert api.post("connectors/open-data/sync/", {"job_types": wrong}).status_code == 400
    assert SyncJob.objects.count() == 1


def test_sync_now_that_starts_nothing_says_why(api: Api, job_type: SyncJobType) -> None:
    answer = api.post("connectors/store/sync/")
    assert (answer.status_code, "No enabled job type" in error_of(answer)["message"]) == (400, True)
    pause_job_type(job_type, actor="anna")
    answer = api.post("connectors/open-data/sync/")
    assert (answer.status_code, "paused" in error_of(answer)["message"]) == (409, True)
    make_job_type("planes", config={"streams": [STREAM | {"target": "planes"}]})
    both = api.post("connectors/open-data/sync/", {"job_types": ["airports", "planes"]})
    assert (both.status_code, list(both.json()["refused"])) == (202, ["airports"])


def test_streams_are_listed_searched_and_paged_by_name(api: Api, shop: Connector) -> None:
    names: list[str] = []
    answer = api.get("connectors/shop/streams/", page_size=2).json()
    assert answer["results"][0] | {"estimate": None} == {
        "name": "deep/er/sample",
        "label": answer["results"][0]["label"],
        "kind": "table",
        "estimate": None,
    }
    while True:
        names += [row["name"] for row in answer["results"]]
        if not answer["next"]:
            break
        answer = api.client.get(answer["next"]).json()
    assert names == ["deep/er/sample", "empty", "people"]
    assert [row["name"] for row in api.get("connectors/shop/streams/", search="PEO").json()["results"]] == ["people"]
    for query in ({"page_size": 0}, {"page_size": 10**6}, {"ordering": "name"}, {"search": "x" * 10_000}):
        assert api.get("connectors/shop/streams/", **query).status_code == 400


def test_a_sample_tells_fields_and_first_rows(api: Api, shop: Connector) -> None:
    answer = api.get("connectors/shop/streams/people/sample/", rows=3)
    told = answer.json()
    assert answer.status_code == 200
    assert (told["stream"], told["key"], [field["name"] for field in told["fields"]]) == (
        "people",
        ["id"],
        ["id", "name", "picture", "note"],
    )
    assert [row["id"] for row in told["rows"]] == [0, 1, 2]
    first = told["rows"][0]
    assert (first["name"], first["picture"], len(first["note"])) == ("person 0", "AP8=", 4_000)
    assert (told["masked"], told["unread"]) == ([], [])
    assert len(api.get("connectors/shop/streams/people/sample/").json()["rows"]) == 20
    assert api.get("connectors/shop/streams/people/sample/", rows=10**6).status_code == 400


def test_names_of_streams_may_hold_slashes(api: Api, shop: Connector) -> None:
    for name in ("deep/er/sample", "deep%2Fer%2Fsample"):
        assert api.get(f"connectors/shop/streams/{name}/sample/").json()["stream"] == "deep/er/sample"
    missing = api.get("connectors/shop/streams/nowhere/sample/")
    assert (missing.status_code, error_of(missing)["code"]) == (404, "not_found")
    assert api.get(f"connectors/shop/streams/{'x' * 600}/sample/").status_code == 404
    assert api.get("connectors/nowhere/streams/people/sample/").status_code == 404


def test_what_a_type_masks_is_masked_in_samples(api: Api, shop: Connector) -> None:
    make_connectors()
    stream = {"source": "people", "target": "people", "key": ["id"], "mode": "upsert", "extent": "full"}
    make_job_type("people", source_connector="shop", config={"streams": [stream], "masked_fields": ["name"]})
    answer = api.get("connectors/shop/streams/people/sample/", rows=2)
    assert answer.json()["masked"] == ["name"]
    assert "person" not in answer.content.decode()
    assert [row["id"] for row in answer.json()["rows"]] == [0, 1]


def test_a_system_that_can_not_be_read_is_told_of(api: Api, job_type: SyncJobType, shop: Connector) -> None:
    shop.enabled = False
    save_connector(shop)
    answer = api.get("connectors/shop/streams/")
    assert (answer.status_code, error_of(answer)["code"]) == (400, "connector_disabled")


def test_rows_need_a_right_of_their_own(make_api: MakeApi, shop: Connector) -> None:
    viewer, sampler = make_api("view_connector"), make_api("view_connector", "sample_connector")
    sample = "connectors/shop/streams/people/sample/"
    assert viewer.get("connectors/shop/streams/").status_code == 200
    assert (viewer.get(sample).status_code, sampler.get(sample).status_code) == (403, 200)
    assert viewer.post("connectors/shop/test/").status_code == 403
    assert viewer.post("connectors/shop/sync/").status_code == 403


def test_nobody_reaches_a_connector_that_is_granted_to_others(make_api: MakeApi, shop: Connector) -> None:
    from_outside = _granted_to_others(make_api, shop)
    for path in ("", "streams/", "streams/people/sample/"):
        assert from_outside.get(f"connectors/shop/{path}").status_code == 404
    for path in ("test/", "sync/"):
        assert from_outside.post(f"connectors/shop/{path}").status_code == 404
    assert from_outside.patch("connectors/shop/", {"name": "x"}, **{"If-Match": "*"}).status_code == 404
    assert from_outside.delete("connectors/shop/", **{"If-Match": "*"}).status_code == 404


def _granted_to_others(make_api: MakeApi, shop: Connector) -> Any:
    shop.grants.create(group=Group.objects.create(name="others"))
    return make_api("view_connector", "change_connector", "delete_connector", "sample_connector", "change_syncjob")
