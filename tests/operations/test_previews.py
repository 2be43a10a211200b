"""What a stream would do, shown on real records; the source is a SQLite file, and nothing is ever written."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from connectors.errors import ConfigError, TransientError
from connectors.models import Connector
from connectors.records import Field
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape
from syncjobs.operations.previewed import PreviewedReject, StreamPreview
from syncjobs.operations.previews import preview_stream
from syncjobs.stream_specs import SpecProblems

MAPPING: list[dict[str, Any]] = [
    {"to": "code", "from": "icao", "required": True, "transforms": [{"op": "strip"}]},
    {"to": "lat", "from": "lat", "type": "float", "transforms": [{"op": "bounds", "min": -90, "outside": "null"}]},
    {"to": "label", "template": "{name} ({icao})"},
    {"to": "source", "value": "airports"},
]
ROWS = [("KJFK", "Kennedy", "40.6"), ("KLAX ", None, "-91"), (" ", "Nowhere", "1"), ("KBAD", "Bad", "north")]
TABLE = "CREATE TABLE airports (icao TEXT PRIMARY KEY, name TEXT, lat TEXT)"

Make = Callable[..., SyncJobType]


@pytest.fixture
def source(settings: LazySettings, db: None) -> Iterator[Path]:
    """A file of four airports, saved as connector `source`; there is no target file."""
    path = Path(settings.SYNCDECK_DATA_DIR) / "previewed.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE)
        connection.executemany("INSERT INTO airports VALUES (?, ?, ?)", ROWS)
    connection.close()
    for slug, name in (("source", path.name), ("target", "never_made.sqlite3")):
        save_connector(connector_from_shape({"slug": slug, "kind": "sqlite", "config": {"path": name}}))
    yield path
    path.unlink()
    assert not path.with_name("never_made.sqlite3").exists()


@pytest.fixture
def make(source: Path) -> Make:
    """Makes an unsaved type; arguments are settings of its only stream, `config` those beside the streams."""

    def make_type(config: dict[str, Any] | None = None, **stream: Any) -> SyncJobType:
        streams = [{"source": "airports", "target": "airports", "key": ["code"], "mapping": MAPPING, **stream}]
        shape = {"slug": "airports", "source_connector": "source", "target_connector": "target"}
        return job_type_from_shape(shape | {"config": {"streams": streams, **(config or {})}})

    return make_type


def by_code(preview: StreamPreview) -> dict[str, Any]:
    return {record.before["icao"]: record for record in preview.records}


def test_each_record_is_shown_before_and_after_or_with_its_reject(make: Make) -> None:
    preview = preview_stream(make())
    assert (preview.source, preview.target, preview.key) == ("airports", "airports", ("code",))
    assert preview.fields == (
        Field("code", "text", nullable=False),
        Field("lat", "float"),
        Field("label", "text"),
        Field("source", "text", nullable=False),
    )
    assert preview.made_of["label"] == ("name", "icao")
    found = by_code(preview)
    assert found.keys() == {row[0] for row in ROWS}
    assert found["KJFK"].after == {"code": "KJFK", "lat": 40.6, "label": "Kennedy (KJFK)", "source": "airports"}
    assert found["KLAX "].before == {"icao": "KLAX ", "lat": "-91", "name": None}
    assert found["KLAX "].after["lat"] is None
    assert preview.nulled == {"lat": 1}
    assert (found[" "].after, found[" "].reject.field, found[" "].reject.code) == (None, "code", "required")
    assert found["KBAD"].reject == PreviewedReject("lat", "wrong_type", "lat value 'north' is not a number")
    assert not SyncJob.objects.exists()


def test_only_so_many_records_that_meet_the_filters_are_read(make: Make) -> None:
    assert len(preview_stream(make(), rows=2).records) == 2
    filtered = make(filters=[{"field": "name", "op": "eq", "value": "Kennedy"}])
    assert [record.before["icao"] for record in preview_stream(filtered).records] == ["KJFK"]
    assert preview_stream(make(filters=[{"field": "name", "op": "eq", "value": "?"}])).records == ()


def test_without_a_mapping_and_key_columns_keep_names_and_types(make: Make) -> None:
    preview = preview_stream(make(mapping=None, key=[], mode="append"))
    assert [(field.name, field.type) for field in preview.fields] == [
        ("icao", "text"),
        ("name", "text"),
        ("lat", "text"),
    ]
    assert all(record.after == record.before for record in preview.records)


def test_a_record_without_its_key_is_rejected_as_in_a_run(make: Make) -> None:
    preview = preview_stream(make(mapping=None, key=["name"]))
    assert by_code(preview)["KLAX "].reject == PreviewedReject(
        "name", "null_key", "it has no name, which is part of the key"
    )


def test_masked_fields_are_shown_on_neither_side_nor_in_reasons(make: Make) -> None:
    preview = preview_stream(make(config={"masked_fields": ["lat", "label"]}))
    shown = str(preview)
    assert not any(secret in shown for secret in ("40.6", "-91", "north", "Kennedy", "KJFK (", "Bad"))
    kennedy = next(record for record in preview.records if record.after and record.after["code"] == "KJFK")
    assert kennedy.after == {"code": "KJFK", "lat": "••••", "label": "••••", "source": "airports"}
    reasons = {record.reject.message for record in preview.records if record.reject}
    assert "lat has a masked value that does not fit (wrong_type)" in reasons


def test_long_values_are_cut(make: Make, source: Path) -> None:
    with sqlite3.connect(source) as connection:
        connection.execute("UPDATE airports SET name = ? WHERE icao = 'KJFK'", ["x" * 100_000])
    connection.close()
    assert by_code(preview_stream(make()))["KJFK"].before["name"] == f"{'x' * 300}… (100,000 characters)"


def test_every_field_that_the_source_has_not_is_named_with_its_path(make: Make) -> None:
    job_type = make(
        key=["x"],
        extent="window",
        window={"field": "seen", "days": 5},
        filters=[{"field": "state", "op": "is_null", "value": True}],
        mapping=[
            {"to": "x", "from": "iata"},
            {"to": "y", "template": "{name} {city}"},
            {"to": "z", "case": [{"when": {"field": "size", "op": "gt", "value": 1}, "then": 1}]},
        ],
    )
    with pytest.raises(SpecProblems) as caught:
        preview_stream(job_type)
    rest = "is not a field of airports (it has: icao, name, lat)"
    assert caught.value.problems == [
        f"streams[0].mapping[0].from: 'iata' {rest}",
        f"streams[0].mapping[1].template: 'city' {rest}",
        f"streams[0].mapping[2].case[0].when.field: 'size' {rest}",
        f"streams[0].filters[0].field: 'state' {rest}",
        f"streams[0].window.field: 'seen' {rest}",
    ]
    with pytest.raises(SpecProblems, match=r"^streams\[0\]\.key: 'code' is not a field of airports"):
        preview_stream(make(mapping=None))


def test_one_of_several_streams_has_to_be_chosen(make: Make) -> None:
    job_type = make()
    job_type.config["streams"].append({"source": "more", "target": "more", "mode": "append"})
    assert preview_stream(job_type, "airports").records
    with pytest.raises(SpecProblems, match=r"^stream: say which stream; choose airports or more$"):
        preview_stream(job_type)
    with pytest.raises(SpecProblems, match=r"^stream: 'others' is not one of this type's streams; choose airports or"):
        preview_stream(job_type, "others")


def test_a_mistake_in_the_mapping_is_told_before_the_source_is_asked(make: Make, source: Path) -> None:
    source.write_bytes(b"no database")
    with pytest.raises(SpecProblems, match=r"^streams\[0\]\.mapping\[0\]: needs exactly one of from"):
        preview_stream(make(mapping=[{"to": "code"}]))


def test_a_type_without_a_source_and_a_stream_that_is_not_there_say_what_to_do(make: Make) -> None:
    with pytest.raises(ConfigError) as caught:
        preview_stream(make(source="nowhere"))
    assert caught.value.code == "stream_not_found"
    job_type = make()
    job_type.source_connector = None
    with pytest.raises(ConfigError) as caught:
        preview_stream(job_type)
    assert caught.value.code == "no_connector"


def test_a_source_that_takes_too_long_is_given_up(make: Make, source: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS icao FROM n WHERE i < 0"
    with sqlite3.connect(source) as connection:
        connection.execute(f"CREATE VIEW slow AS {endless}")
    connection.close()
    started = time.monotonic()
    with pytest.raises(TransientError) as caught:
        preview_stream(make(source="slow", mapping=None, key=["icao"]), seconds=0.5)
    assert caught.value.code == "preview_timeout"
    assert time.monotonic() - started < 15


def test_why_a_source_does_not_answer_is_told(make: Make) -> None:
    away = {"base_url": "http://127.0.0.1:9", "datasets": {"airports": "sand-airp"}}
    save_connector(connector_from_shape({"slug": "away", "kind": "soda", "config": away}))
    job_type = make()
    job_type.source_connector = Connector.objects.get(slug="away")
    with pytest.raises(TransientError) as caught:
        preview_stream(job_type, seconds=0.5)
    assert caught.value.code == "preview_timeout"
    assert "127.0.0.1" in caught.value.message


def test_a_custom_query_is_previewed_like_a_table(make: Make) -> None:
    query = "SELECT icao, name, '5' AS lat FROM airports WHERE name IS NOT NULL"
    preview = preview_stream(make(source="named", query=query))
    assert [record.after["lat"] for record in preview.records if record.after] == [5.0, 5.0]
    with pytest.raises(ConfigError):
        preview_stream(make(source="named", query="DELETE FROM airports"))
