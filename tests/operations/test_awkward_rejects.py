"""Rejects whose records hold what PostgreSQL refuses: they are kept there all the same, and replay exactly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from connectors.models import Connector
from syncjobs.models import Reject, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.rejects import find_rejects, group_rejects, replay_rejects
from tests.streams.conftest import counts, run, run_here

AWKWARD: list[dict[str, Any]] = [
    {"code": "fine", "note": "as it should be 🙂"},
    {"code": "nul", "note": "zero \x00 inside"},
    {"code": "half", "note": "half \ud83d of a pair"},
    {"code": "nul\x00key", "note": "x"},
    {"code": "half\udc00key", "note": "x"},
    {"code": "long", "note": "\x00" + "ü" * 300_000},
]


@pytest.fixture
def job_type(rows_on_postgresql: None, settings: LazySettings) -> Iterator[SyncJobType]:
    """From a file of JSON lines into an SQLite database, with all rows of Syncdeck's own on PostgreSQL."""
    folder = Path(settings.SYNCDECK_DATA_DIR) / "awkward"
    folder.mkdir()
    (folder / "notes.jsonl").write_text("".join(json.dumps(record) + "\n" for record in AWKWARD))
    config = {"root": "awkward", "format": "jsonl"}
    save_connector(connector_from_shape({"slug": "lines", "kind": "files", "config": config}))
    save_connector(
        connector_from_shape({"slug": "file", "kind": "sqlite", "config": {"path": "awkward/notes.sqlite3"}})
    )
    stream = {"source": "notes.jsonl", "target": "notes", "key": ["code"], "on_reject": {"policy": "quarantine"}}
    shape = {"slug": "notes", "source_connector": "lines", "target_connector": "file", "max_retries": 0}
    yield save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}}), actor="test")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def test_records_that_postgresql_could_not_hold_are_kept_to_the_letter(job_type: SyncJobType) -> None:
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 6, "inserted": 1, "rejected": 5}), job.failure
    rejects = list(find_rejects(job=job))
    assert [one.values for one in rejects[:4]] == AWKWARD[1:5]
    assert [one.is_whole for one in rejects] == [True, True, True, True, False]
    assert len(rejects[4].record) < 5_000, "what is too long is kept cut"
    assert {(one.field, one.code) for one in rejects} == {("note", "wrong_type"), ("code", "wrong_type")}
    told = {(group.field, group.pattern, group.number) for group in group_rejects(find_rejects(job=job))}
    assert ("note", "note value … holds a NUL character, which text columns refuse; strip_nul takes it out", 2) in told
    connector = Connector.objects.get(slug="file").open()
    assert dict(connector.get("notes", {"code": "fine"}) or {}) == AWKWARD[0]
    connector.close()


def test_awkward_records_replay_by_a_mapping_that_can_take_them(job_type: SyncJobType) -> None:
    job = run(job_type)
    job_type.config["streams"][0]["mapping"] = [
        {"to": "code", "from": "code", "type": "text"},
        {"to": "note", "template": "note of {code}"},
    ]
    save_job_type(job_type, actor="test")
    replay = run_here(replay_rejects(job=job, actor="test"))
    assert counts(replay) == {"read": 4, "inserted": 2, "rejected": 2}, replay.failure
    assert [one.key for one in Reject.objects.filter(state="replayed")] == [{"code": "nul"}, {"code": "half"}]


def test_nul_characters_are_taken_out_where_the_mapping_says_so(job_type: SyncJobType) -> None:
    job_type.config["streams"][0]["mapping"] = [
        {"to": name, "from": name, "type": "text", "transforms": [{"op": "strip_nul"}]} for name in ("code", "note")
    ]
    save_job_type(job_type, actor="test")
    job = run(job_type)
    assert counts(job) == {"read": 6, "inserted": 4, "rejected": 2}, job.failure
    connector = Connector.objects.get(slug="file").open()
    assert dict(connector.get("notes", {"code": "nul"}) or {}) == {"code": "nul", "note": "zero  inside"}
    assert dict(connector.get("notes", {"code": "nulkey"}) or {}) == {"code": "nulkey", "note": "x"}
    connector.close()
    assert counts(run(job_type)) == {"read": 6, "unchanged": 4, "rejected": 2}
