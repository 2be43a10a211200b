"""The form of a type by fields: it loses nothing, marks what is wrong at its field, and looks before it saves."""

from __future__ import annotations

import copy
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from syncjobs.models import Schedule, StreamCursor, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.statuses import Status
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff
from tests.portal.schema_forms.test_texts import WHOLE

PAGE = "/admin/job-types/airports/"
EDIT = f"{PAGE}edit/"


class Fields(HTMLParser):
    """What a browser would post for the form of a page: its successful fields, without buttons."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select = self._area = ""
        self.is_inside = False
        self.feed(text)
        self.values.pop("csrfmiddlewaretoken", None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.is_inside = given.get("id") == "type-form"
        if not self.is_inside:
            return
        name = given.get("name", "")
        if tag == "input" and name and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.values[name] = given.get("value", "on" if given.get("type") == "checkbox" else "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and (self._select not in self.values or "selected" in given):
            self.values[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._area, self.values[name] = name, ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            self.values[self._area] = self.values[self._area].removeprefix("\n")
            self._area = ""
        elif tag == "select":
            self._select = ""
        elif tag == "form":
            self.is_inside = False


def fields_of(client: Client, address: str = EDIT) -> dict[str, str]:
    return Fields(client.get(address).content.decode()).values


def press(client: Client, values: dict[str, str], do: str, address: str = EDIT) -> str:
    return client.post(address, values | {"do": do}).content.decode()


@pytest.fixture
def whole_type(job_type: SyncJobType) -> SyncJobType:
    """A type that uses everything, written as people write it by hand."""
    stream = copy.deepcopy(WHOLE) | {"key": ["icao"], "columns": None, "extent": "full"}
    stream["filters"] = [*stream["filters"][1:5], {"field": ATTACK, "op": "eq", "value": ATTACK}]
    stream["mapping"] = [rule for rule in stream["mapping"] if rule["to"] not in ("hidden",)]
    job_type.config = {"streams": [stream], "masked_fields": ["icao"]}
    job_type.guards = {"max_delete_share": 0.05, "max_deletes": 500}
    return save_job_type(job_type, actor="anna")


@pytest.fixture
def shop_type(settings: LazySettings, job_type: SyncJobType) -> Iterator[SyncJobType]:
    """The same type with a real source of three airports."""
    path = Path(settings.SYNCDECK_DATA_DIR) / "shop_of_form.sqlite3"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE airports (icao TEXT PRIMARY KEY, lat TEXT)")
        database.executemany("INSERT INTO airports VALUES (?, ?)", [("KJFK", "40"), ("KLAX", "-91"), (ATTACK, "1")])
    job_type.source_connector = save_connector(
        connector_from_shape({"slug": "shop", "kind": "sqlite", "config": {"path": path.name}})
    )
    yield save_job_type(job_type, actor="anna")
    path.unlink()


def test_saving_the_form_untouched_changes_nothing(portal: Client, whole_type: SyncJobType) -> None:
    before = whole_type.snapshot()
    assert "Nothing differs" in press(portal, fields_of(portal), "review")
    assert portal.post(EDIT, fields_of(portal) | {"do": "save"}).status_code == 302
    whole_type.refresh_from_db()
    assert whole_type.snapshot() == before


def test_every_part_can_be_json_and_fields_again(portal: Client, whole_type: SyncJobType) -> None:
    as_json = press(portal, fields_of(portal), "as-json")
    values = Fields(as_json).values
    assert values["config_as"] == "json"
    assert json.loads(values["config"]) == whole_type.config
    again = Fields(press(portal, values, "as-form")).values
    assert again == fields_of(portal)
    stream = Fields(press(portal, again, "part-as-json config.streams[0]")).values
    assert json.loads(stream["config.streams[0]._json"]) == whole_type.config["streams"][0]
    assert Fields(press(portal, stream, "part-as-fields config.streams[0]")).values == again


def test_what_the_schema_does_not_know_outlives_an_edit(portal: Client, job_type: SyncJobType) -> None:
    stream = job_type.config["streams"][0] | {"surprise": {"deep": [1, None]}}
    SyncJobType.objects.update(config={"streams": [stream]})
    page = portal.get(EDIT).content.decode()
    assert "Kept as it is" in page
    values = Fields(press(portal, Fields(page).values | {"config.streams[0].mode": "mirror"}, "as-json")).values
    assert json.loads(values["config"]) == {"streams": [stream | {"mode": "mirror"}]}


@pytest.mark.parametrize(
    ("name", "typed", "complaint"),
    [
        ("config.streams[0].batch_size", "many", "must be a whole number"),
        ("config.streams[0].source", "", "is required"),
        ("config.streams[0].key", "", "mode upsert needs a key"),
        ("config.streams[0].mode", "sideways", "choose append, upsert"),
        ("config.streams[0].window.field", "day", "days"),
        ("guards.max_delete_share", "7", "must be at most 1"),
    ],
)
def test_a_mistake_is_marked_at_its_field_and_what_was_typed_stays(
    portal: Client, job_type: SyncJobType, name: str, typed: str, complaint: str
) -> None:
    response = portal.post(EDIT, fields_of(portal) | {name: typed, "do": "save"})
    page = response.content.decode()
    assert response.status_code == 422
    marked = re.findall(r'<span class="problem"[^>]*>(.*?)</span>', page, re.DOTALL)
    assert any(complaint in text for text in marked), marked
    assert Fields(page).values[name] == typed
    job_type.refresh_from_db()
    assert job_type.version == 1


def test_rows_are_added_moved_and_removed_without_script(portal: Client, job_type: SyncJobType) -> None:
    values = fields_of(portal)
    for name in ("icao", "lat"):
        values = Fields(press(portal, values, f"map config.streams[0] {name}")).values
    values = Fields(press(portal, values, "up config.streams[0].mapping[1]")).values
    assert values["config.streams[0].mapping[0].to"] == "lat"
    values = Fields(press(portal, values, "add config.streams[0].mapping[0].transforms")).values
    values["config.streams[0].mapping[0].transforms[0].op"] = "truncate"
    page = press(portal, values, "refresh")
    assert "Length" in page
    values = Fields(page).values | {"config.streams[0].mapping[0].transforms[0].length": "4"}
    values = Fields(press(portal, values, "add config.streams")).values
    values = Fields(press(portal, values, "remove config.streams[1]")).values
    portal.post(EDIT, values | {"do": "save"})
    job_type.refresh_from_db()
    assert job_type.config["streams"][0]["mapping"] == [
        {"to": "lat", "from": "lat", "transforms": [{"op": "truncate", "length": 4}]},
        {"to": "icao", "from": "icao"},
    ]


MADE_UP = (
    "remove config.streams[7]",
    "add config.nothing",
    "up config",
    "open x",
    "add config.streams[0].key",
    "zap",
    "",
)


@pytest.mark.parametrize("do", MADE_UP)
def test_a_button_that_is_made_up_changes_nothing(portal: Client, job_type: SyncJobType, do: str) -> None:
    values = fields_of(portal)
    response = portal.post(EDIT, values | {"do": do})
    assert response.status_code == 200
    assert Fields(response.content.decode()).values == values


def test_many_streams_are_folded_and_each_opens(portal: Client, job_type: SyncJobType) -> None:
    first = job_type.config["streams"][0]
    streams = [first | {"source": f"s{number}", "target": f"t{number}"} for number in range(30)]
    SyncJobType.objects.update(config={"streams": streams})
    values = fields_of(portal)
    assert len(values) < 90
    opened = Fields(press(portal, values, "open config.streams[29]")).values
    assert opened["config.streams[29].source"] == "s29"
    portal.post(EDIT, opened | {"config.streams[29].target": "other", "do": "save"})
    job_type.refresh_from_db()
    assert job_type.config["streams"] == [*streams[:29], streams[29] | {"target": "other"}]


def test_a_long_mapping_is_folded_rule_by_rule(portal: Client, job_type: SyncJobType) -> None:
    rules = [{"to": f"c{number}", "from": f"c{number}", "transforms": [{"op": "strip"}]} for number in range(300)]
    stream = job_type.config["streams"][0] | {"key": ["c0"], "mapping": rules}
    SyncJobType.objects.update(config={"streams": [stream]})
    values = fields_of(portal)
    assert len(values) < 400
    values = Fields(press(portal, values, "open config.streams[0].mapping[299]")).values
    values["config.streams[0].mapping[299].type"] = "text"
    assert portal.post(EDIT, values | {"do": "save"}).status_code == 302
    job_type.refresh_from_db()
    assert job_type.config["streams"][0]["mapping"] == [*rules[:299], rules[299] | {"type": "text"}]


def test_another_controller_has_its_own_fields_and_the_guards_are_kept(portal: Client, whole_type: SyncJobType) -> None:
    values = fields_of(portal) | {"controller": "sap_customer_sync"}
    page = press(portal, values, "controller")
    back = Fields(press(portal, Fields(page).values | {"controller": "stream_sync"}, "controller")).values
    assert json.loads(Fields(press(portal, back, "as-json")).values["config"]) == whole_type.config
    assert back["guards.max_deletes"] == "500"


def test_the_review_names_each_difference_and_what_follows(
    portal: Client, job_type: SyncJobType, schedule: Schedule, make_job: MakeJob
) -> None:
    cursor = {"extent": "incremental", "cursor": {"field": "seen"}}
    job_type.config = {"streams": [job_type.config["streams"][0] | cursor]}
    save_job_type(job_type, actor="anna")
    job = make_job(Status.STARTED)
    StreamCursor.objects.create(
        job_type=job_type, stream="airports", field="seen", new="2026-11-01", created_at=job.created_at
    )
    values = fields_of(portal) | {"config.streams[0].batch_size": "500", "timeout": "60"}
    page = press(portal, values, "review")
    assert "2 differences" in page
    assert "One job is active: it keeps the version with which it began." in page
    assert "start the new version when next due" in page.replace("starts", "start")
    assert "the cursor is kept at 2026-11-01" in page
    other = press(portal, values | {"config.streams[0].cursor.field": "changed"}, "review")
    assert "the cursor was one of seen, so the next run reads everything" in other
    assert SyncJobType.objects.get().version == 2, "nothing was saved"
    saved = portal.post(EDIT, Fields(page).values | {"do": "save"}, follow=True).content.decode()
    assert "is saved as version 3" in saved


def test_a_preview_shows_unsaved_rules_on_real_records(portal: Client, shop_type: SyncJobType) -> None:
    values = Fields(press(portal, fields_of(portal), "map config.streams[0] icao")).values
    values = Fields(press(portal, values, "map config.streams[0] lat")).values
    values |= {"config.streams[0].mapping[1].type": "float", "config.streams[0].mapping[1].to": "latitude"}
    page = press(portal, values, "preview config.streams[0]")
    assert "the first 3 records" in page
    assert "latitude" in page
    assert ATTACK not in page
    wrong = press(portal, values | {"config.streams[0].mapping[1].from": "nowhere"}, "preview config.streams[0]")
    assert "is not a field of airports" in wrong
    assert SyncJobType.objects.get(pk=shop_type.pk).version == shop_type.version


def test_the_fields_of_the_source_are_read_for_the_mapping(portal: Client, shop_type: SyncJobType) -> None:
    page = press(portal, fields_of(portal), "fields config.streams[0]")
    assert 'value="map config.streams[0] lat"' in page
    everything = Fields(press(portal, Fields(page).values, "map-all config.streams[0]")).values
    assert [everything[f"config.streams[0].mapping[{number}].from"] for number in (0, 1)] == ["icao", "lat"]


def test_a_source_that_is_away_is_said_beside_the_mapping(portal: Client, job_type: SyncJobType) -> None:
    page = press(portal, fields_of(portal), "fields config.streams[0]")
    assert "The source was not read." in page
    assert "No preview." in press(portal, fields_of(portal), "preview config.streams[0]")


@pytest.mark.parametrize("do", ["preview config.streams[0]", "fields config.streams[0]", "review", "save"])
def test_nobody_runs_an_unsaved_query_without_the_right(make_staff: MakeStaff, shop_type: SyncJobType, do: str) -> None:
    client = make_staff("view_syncjobtype", "change_syncjobtype")
    assert "config.streams[0].query" not in fields_of(client)
    values = fields_of(client) | {"config.streams[0].query": "SELECT 'leaked' AS icao"}
    page = press(client, values, do)
    assert "Custom queries can only be added" in page
    assert "records, read now" not in page


def test_a_viewer_neither_edits_nor_previews(make_staff: MakeStaff, job_type: SyncJobType, portal: Client) -> None:
    viewer = make_staff("view_syncjobtype")
    assert viewer.get(EDIT).status_code == 403
    assert viewer.post(EDIT, fields_of(portal) | {"do": "preview config.streams[0]"}).status_code == 403


def test_the_form_asks_no_more_for_more_streams(portal: Client, job_type: SyncJobType) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            portal.get(EDIT)
        return len(counted)

    few = queries()
    first = job_type.config["streams"][0]
    streams = [first | {"source": f"s{number}", "target": f"t{number}"} for number in range(50)]
    SyncJobType.objects.update(config={"streams": streams})
    assert queries() == few


def test_the_form_says_when_the_type_runs(portal: Client, schedule: Schedule) -> None:
    page = portal.get(EDIT).content.decode()
    assert "Every day at 02:08" in page
    assert ATTACK not in page
    schedule.delete()
    assert "No schedule starts it" in portal.get(EDIT).content.decode()


def test_a_new_type_begins_with_one_stream(portal: Client, job_type: SyncJobType) -> None:
    values = fields_of(portal, "/admin/job-types/-/add/")
    values |= {"slug": "second", "config.streams[0].source": "a", "config.streams[0].target": "b"}
    values |= {name: fields_of(portal)[name] for name in ("source_connector", "target_connector")}
    values["config.streams[0].key"] = "id"
    response = portal.post("/admin/job-types/-/add/", values | {"do": "save"})
    assert response.status_code == 302, re.findall(r'problem"[^>]*>.*|<b>Not saved.*', response.content.decode())
    second = SyncJobType.objects.get(slug="second")
    assert second.config == {"streams": [{"source": "a", "target": "b", "key": ["id"]}]}
    assert job_type_from_shape({"slug": "x"}).config == {}
