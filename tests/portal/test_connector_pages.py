"""A connector's surroundings: list with filters, streams, sample rows and who may see them, sync now, health."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from connectors.models import ConnectionTest, Connector
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.portal import connector_stream_views
from syncjobs.statuses import Status
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff

PAGE = "/admin/connectors/open-data/"
INSIDE = {"HX-Request": "true"}
LONG = "long " * 2_000
WIDE = {"name": ATTACK, "story": LONG, "picture": b"\x00\xff", "empty": "", "none": None, "number": 12_345_678_901}


@pytest.fixture
def shop(settings: LazySettings) -> Iterator[Connector]:
    path = Path(settings.SYNCDECK_DATA_DIR) / "browsed.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE wide (name TEXT PRIMARY KEY, story, picture, empty, none, number)")
        database.execute("INSERT INTO wide VALUES (?, ?, ?, ?, ?, ?)", list(WIDE.values()))
        database.execute("CREATE VIEW small AS SELECT name FROM wide")
        database.execute(f'CREATE TABLE "{ATTACK}" (x INTEGER)')
        for number in range(60):
            database.execute(f"CREATE TABLE t{number:02} (x INTEGER)")
    shape = {"slug": "shop", "name": "Shop", "kind": "sqlite", "config": {"path": path.name}}
    yield save_connector(connector_from_shape(shape))
    path.unlink()


def inside(client: Client, address: str) -> str:
    response = client.get(address, headers=INSIDE)
    assert response.status_code == 200
    return response.content.decode()


def test_the_streams_page_comes_at_once_and_asks_for_its_inside(portal: Client, source: Connector) -> None:
    page = portal.get("/admin/connectors/open-data/streams/?q=air").content.decode()
    assert 'hx-get="/admin/connectors/open-data/streams/?q=air" hx-trigger="load"' in page
    assert 'href="?q=air&amp;wait=no-scripts"' in page, "for a browser without scripts"
    text = inside(portal, "/admin/connectors/open-data/streams/?q=air")
    assert '<a href="/admin/connectors/open-data/stream/?name=airports">airports</a>' in text
    assert "dataset" in text
    assert "<html" not in text
    assert ">airports</a>" in portal.get("/admin/connectors/open-data/streams/?wait=no-scripts").content.decode()


def test_streams_are_searched_and_come_in_pages_with_their_kind_and_users(
    portal: Client, shop: Connector, job_type: SyncJobType
) -> None:
    SyncJobType.objects.update(source_connector=shop, config={"streams": [{"source": "small", "target": "airports"}]})
    first = inside(portal, "/admin/connectors/shop/streams/")
    assert "63 streams" in first
    assert first.count("<tr>") == 51
    following = re.findall(r'href="(\?[^"]*page=2)"', first)
    assert inside(portal, f"/admin/connectors/shop/streams/{following[0]}").count("<tr>") == 14
    found = inside(portal, "/admin/connectors/shop/streams/?q=SMALL")
    assert found.count("<tr>") == 2
    assert '<td class="fit">view</td>' in found
    assert '<a href="/admin/job-types/airports/">Airports</a> reads' in found
    assert ATTACK not in first


def test_first_rows_are_escaped_and_cut_with_the_rest_a_click_away(portal: Client, shop: Connector) -> None:
    text = inside(portal, "/admin/connectors/shop/stream/?name=wide")
    assert ATTACK not in text
    assert "&lt;script&gt;alert" in text
    story = re.findall(r"<details><summary>(.*?)…</summary><pre class=\"code\">(.*?)</pre>", text, re.DOTALL)
    assert [(len(shown), whole.startswith(shown)) for shown, whole in story] == [(80, True)]
    assert "only its beginning is shown" in text
    assert len(text) < 20_000
    assert '<span class="sub nothing">null</span>' in text
    assert '<span class="sub nothing">(empty)</span>' in text
    assert "12345678901" in text
    assert '<span class="pill info">Key</span>' in text


def test_what_goes_wrong_at_the_system_is_a_sentence(
    portal: Client, source: Connector, shop: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector_stream_views, "LOOK_SECONDS", 0.5)
    nowhere = inside(portal, "/admin/connectors/shop/stream/?name=nothing")
    assert "shop could not be read." in nowhere
    assert "Correct the stream&#x27;s name" in nowhere
    away = inside(portal, PAGE + "stream/?name=airports")
    assert "open-data: the first records of airports did not come within 0.5 seconds" in away
    Connector.objects.filter(slug="shop").update(enabled=False)
    assert "switched off" in inside(portal, "/admin/connectors/shop/streams/")


def test_rows_need_a_permission_that_the_schema_does_not(make_staff: MakeStaff, shop: Connector) -> None:
    address = "/admin/connectors/shop/stream/?name=wide"
    viewer = inside(make_staff("view_connector"), address)
    assert "You may not see rows" in viewer
    assert "12345678901" not in viewer
    assert '<td class="mono">number</td>' in viewer, "the schema is shown"
    for right in ("sample_connector", "change_connector"):
        assert "12345678901" in inside(make_staff("view_connector", right), address)
    assert make_staff("sample_connector").get(address, headers=INSIDE).status_code == 403


def test_columns_that_a_type_masks_are_hidden_on_both_sides(
    portal: Client, shop: Connector, target: Connector, settings: LazySettings
) -> None:
    stream = {"source": "wide", "target": "narrow", "key": ["id"], "mode": "upsert", "extent": "full"}
    rules = [{"to": "id", "from": "number"}, {"to": "figure", "from": "number"}, {"to": "kept", "from": "story"}]
    config = {"streams": [stream | {"mapping": rules}], "masked_fields": ["figure"]}
    shape = {"slug": "masking", "source_connector": "shop", "target_connector": "store", "config": config}
    with sqlite3.connect(Path(settings.SYNCDECK_DATA_DIR) / "store.sqlite3") as store:
        store.execute("CREATE TABLE narrow (id INTEGER PRIMARY KEY, figure INTEGER, kept TEXT)")
        store.execute("INSERT INTO narrow VALUES (7, 424242, 'to be seen')")
    store.close()
    address = "/admin/connectors/shop/stream/?name=wide"
    assert "12345678901" in inside(portal, address)
    save_job_type(job_type_from_shape(shape), actor="anna")
    text = inside(portal, address)
    assert "12345678901" not in text
    assert "Not shown, since a job type masks it: " in text
    written = inside(portal, "/admin/connectors/store/stream/?name=narrow")
    assert "424242" not in written
    assert "to be seen" in written


def test_who_looks_at_rows_is_logged(portal: Client, shop: Connector, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", connector_stream_views.logger.name)
    inside(portal, "/admin/connectors/shop/stream/?name=small")
    assert "anna looks at the first rows of shop/small" in caplog.text


def make_type(slug: str, **values: Any) -> SyncJobType:
    stream = {"source": "airports", "target": slug, "key": ["icao"], "mode": "upsert", "extent": "full"}
    shape = {"slug": slug, "source_connector": "open-data", "target_connector": "store"}
    return save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}} | values), actor="anna")


def test_sync_now_starts_the_only_type_at_once(portal: Client, job_type: SyncJobType) -> None:
    page = portal.get(PAGE).content.decode()
    assert '<button class="btn" id="sync-now">Sync now</button>' in page
    response = portal.post(PAGE + "sync/")
    job = SyncJob.objects.get()
    assert response.headers["Location"] == f"/admin/jobs/{job.pk}/"
    assert (job.trigger_type, job.triggered_by.get_username() if job.triggered_by else "") == ("manual", "anna")


def test_sync_now_asks_which_of_several(portal: Client, job_type: SyncJobType) -> None:
    make_type("airports-again")
    make_type("off", enabled=False)
    assert f'id="sync-now" href="{PAGE}sync/"' in portal.get(PAGE).content.decode()
    question = portal.get(PAGE + "sync/").content.decode()
    assert re.findall(r'name="types" value="([^"]+)"', question) == ["airports", "airports-again"]
    assert "choose at least one" in portal.post(PAGE + "sync/", {"choose": "yes"}).content.decode().lower()
    assert "choose which" in portal.post(PAGE + "sync/").content.decode()
    assert not SyncJob.objects.exists()
    chosen = {"choose": "yes", "types": ["airports", "airports-again"], "dry_run": "on"}
    assert "2 jobs are queued" in portal.post(PAGE + "sync/", chosen, follow=True).content.decode()
    assert list(SyncJob.objects.values_list("dry_run", flat=True)) == [True, True]


def test_a_type_that_is_paused_says_so_and_starts_nothing(portal: Client, job_type: SyncJobType) -> None:
    SyncJobType.objects.update(paused_at=timezone.now())
    text = portal.post(PAGE + "sync/", follow=True).content.decode()
    assert "airports was not started: Airports is paused; resume it first." in text
    assert not SyncJob.objects.exists()


def test_sync_now_needs_the_right_to_run_jobs(make_staff: MakeStaff, job_type: SyncJobType) -> None:
    editor = make_staff("view_connector", "change_connector")
    assert 'id="sync-now"' not in editor.get(PAGE).content.decode()
    assert editor.post(PAGE + "sync/").status_code == 403
    assert not SyncJob.objects.exists()


def test_the_list_is_limited_by_kind_health_and_name(portal: Client, source: Connector, target: Connector) -> None:
    Connector.objects.filter(slug="store").update(last_test_ok=False)

    def listed(query: str) -> list[str]:
        text = portal.get(f"/admin/connectors/?{query}").content.decode()
        return re.findall(r'<td><a href="/admin/connectors/([^/]+)/">', text)

    assert listed("") == ["open-data", "store"]
    assert listed("kind=sqlite") == ["store"]
    assert listed("health=fails") == ["store"]
    assert listed("health=untested") == ["open-data"]
    assert listed("q=OPEN") == ["open-data"]
    assert listed("health=never&page=0") == ["open-data", "store"]
    assert "No connector fits" in portal.get("/admin/connectors/?health=off").content.decode()


def test_health_counts_tests_and_jobs_by_day(portal: Client, source: Connector, make_job: MakeJob) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    for ok in (True, False):
        test = ConnectionTest.objects.create(connector=source, ok=ok, milliseconds=5, steps=[])
        ConnectionTest.objects.filter(pk=test.pk).update(created_at=yesterday)
    make_job(Status.FINISHED, created_at=yesterday)
    make_job(Status.ERROR, created_at=yesterday)
    make_job(Status.ERROR, created_at=yesterday)
    make_job(Status.STARTED)
    text = portal.get(PAGE).content.decode()
    day = timezone.localtime(yesterday)
    assert f"<title>{day:%d %b}: 2 tests, 1 failed</title>" in text
    assert f"<title>{day:%d %b}: 3 jobs, 2 failed</title>" in text
    row = re.findall(rf"<td>{day:%a} {day.day} {day:%b %Y}</td>(.*?)</tr>", text)[0]
    assert re.findall(r">(\d+)<", row) == ["2", "1", "1", "2"]


def test_jobs_are_for_those_who_may_see_jobs(make_staff: MakeStaff, job_type: SyncJobType, make_job: MakeJob) -> None:
    make_job(title="a telling title")
    assert "a telling title" not in make_staff("view_connector").get(PAGE).content.decode()
    assert "a telling title" in make_staff("view_connector", "view_syncjob").get(PAGE).content.decode()


def test_the_pages_take_few_queries_however_many_use_a_connector(
    portal: Client, job_type: SyncJobType, make_job: MakeJob, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        make_type(f"more-{number}")
        make_job(list(Status)[number % 12])
        shape = {"slug": f"copy-{number}", "kind": "sqlite", "config": {"path": f"copy{number}.sqlite3"}}
        save_connector(connector_from_shape(shape))
    for address in ("/admin/connectors/", PAGE, PAGE + "sync/", PAGE + "streams/?wait=no-scripts"):
        with django_assert_max_num_queries(25):
            assert portal.get(address).status_code == 200
