"""Sources that suddenly answer with nothing, a part, a login page, an error or other columns harm no target."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from connectors.models import Connector
from connectors.records import ReadRequest
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.jobs import discard_job
from syncjobs.operations.state_checks import find_breaches
from tests.connectors.scripted_server import scripted_server
from tests.streams.conftest import counts, run
from tests.streams.lying_portal import ID, PAGE, Columns, Lie, LyingPortal
from tests.streams.people import SQLAtTarget

MODES = ("upsert", "mirror", "replace")
LOGIN = b"<!DOCTYPE html><title>Log in</title><p>Please log in"
ERROR = b'{"error": true, "message": "Something went wrong"}'
Outcome = tuple[str, str]
"""A status, and words of what is said of it."""
NOTHING: dict[str, Outcome] = {
    "upsert": ("error", "the source gave no record, where job #"),
    "mirror": ("held", "the source gave no record, so all 24 of the target would go"),
    "replace": ("held", "the source gave no record, so all 24 of the target would go"),
}
PART: dict[str, Outcome] = {
    "upsert": ("error", "records, where job #"),
    "mirror": ("held", "of the target would go; if it may shrink like that, set the guard min_source_share"),
    "replace": ("held", "of the target would go; if it may shrink like that, set the guard min_source_share"),
}


def always(status: str, words: str) -> dict[str, Outcome]:
    return dict.fromkeys(MODES, (status, words))


def without_name(columns: Columns) -> Columns:
    return {name: kind for name, kind in columns.items() if name != "name"}


LIES: dict[str, tuple[Lie, dict[str, Outcome]]] = {
    "no rows": (Lie(rows=lambda _rows: []), NOTHING),
    "half the rows": (Lie(rows=lambda rows: rows[:12]), PART),
    "second page empty": (Lie(body=b"[]", from_page=2), PART),
    "html": (Lie(body=LOGIN, content_type="text/html"), always("failed", "expected JSON, got text/html: ")),
    "html from the second page on": (
        Lie(body=LOGIN, content_type="text/html", from_page=2),
        always("failed", "expected JSON, got text/html: "),
    ),
    "html instead of metadata": (
        Lie(body=LOGIN, content_type="text/html", hits_metadata=True),
        always("failed", "expected JSON, got text/html: "),
    ),
    "error object": (Lie(body=ERROR), always("failed", "did not answer with a list of records of items")),
    "error object instead of metadata": (
        Lie(body=ERROR, hits_metadata=True),
        always("failed", "does not describe the columns of items"),
    ),
    "null": (Lie(body=b"null"), always("failed", "did not answer with a list of records of items")),
    "list of numbers": (Lie(body=b"[1, 2]"), always("failed", "did not answer with a list of records of items")),
    "records of something else": (Lie(body=b'[{"a": 1}]'), always("failed", "without their :id")),
    "dropped column": (
        Lie(columns=without_name),
        always("error", "column 'name' missing in source (had: code,name,size; now: code,size)"),
    ),
    "column left out of the records": (
        Lie(leaves_out="name"),
        always("error", "no longer sends name, which its metadata lists"),
    ),
    "retyped column": (
        Lie(columns=lambda columns: columns | {"size": "text"}),
        always("error", "'size' from decimal to text"),
    ),
    "no columns": (Lie(columns=lambda _columns: {}), always("failed", "does not describe the columns of items")),
}


def contents(slug: str, stream: str = "items", key: str = "code") -> list[tuple[Any, ...]]:
    """Every row of the target, in the order of the key."""
    target = Connector.objects.get(slug=slug).open()
    try:
        return [row for page in target.read(ReadRequest(stream, key=(key,))) for row in page.rows]
    finally:
        target.close()


def said_of(job: SyncJob) -> str:
    """What the job's last event says."""
    event = job.events.order_by("-id").first()
    assert event is not None
    return event.reason


def make_type(source: str, target: str, key: str, mode: str, into: str = "items") -> SyncJobType:
    shape = {"slug": "items", "name": "Items", "source_connector": source, "target_connector": target}
    stream = {"source": "items", "target": into, "key": [key], "mode": mode, "batch_size": PAGE}
    return save_job_type(job_type_from_shape(shape | {"max_retries": 0, "config": {"streams": [stream]}}), actor="test")


def check_lie(job_type: SyncJobType, outcome: Outcome, read: Callable[[], list[tuple[Any, ...]]]) -> None:
    """Run while the source lies; the job ends as it should, and the target is as before."""
    before = read()
    job = run(job_type)
    assert job.status == outcome[0], (job.status, said_of(job))
    assert outcome[1] in said_of(job)
    assert read() == before
    assert list(find_breaches()) == []
    if job.status == "held":
        discard_job(job.pk, actor="test")


@pytest.fixture
def portal(target: str) -> Iterator[LyingPortal]:
    portal = LyingPortal()
    with scripted_server(portal.answer) as server:
        config = {"base_url": server.url, "datasets": {"items": ID}, "page_size": PAGE}
        save_connector(connector_from_shape({"slug": "source", "kind": "soda", "config": config}))
        yield portal


@pytest.mark.parametrize(
    ("target", "mode", "name"),
    [
        *(("sqlite", mode, name) for name in LIES for mode in MODES),
        ("postgresql", "mirror", "half the rows"),
        ("postgresql", "replace", "html from the second page on"),
    ],
    indirect=["target"],
)
def test_portal_that_lies_harms_no_target_and_is_believed_again_once_it_tells_the_truth(
    portal: LyingPortal, target: str, mode: str, name: str
) -> None:
    lie, outcomes = LIES[name]
    job_type = make_type("source", target, "code", mode)
    assert counts(run(job_type)) == {"read": 24, "inserted": 24}
    portal.tell(lie)
    check_lie(job_type, outcomes[mode], lambda: contents(target))
    portal.tell(None)
    portal.rows[3]["name"] = "Renamed"
    job = run(job_type)
    assert job.status == "finished", said_of(job)
    assert [row[:2] for row in contents(target)] == [(row["code"], row["name"]) for row in portal.rows]


FILL = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24)"
    " INSERT INTO items SELECT i, 'Name ' || i, i FROM n"
)
TABLE = "CREATE TABLE items (id bigint PRIMARY KEY, name text, size bigint)"
SQL_LIES: dict[str, tuple[list[str], dict[str, Outcome]]] = {
    "no rows": (["DELETE FROM items"], NOTHING),
    "half the rows": (["DELETE FROM items WHERE id > 12"], PART),
    "dropped column": (
        ["ALTER TABLE items DROP COLUMN name"],
        always("error", "column 'name' missing in source (had: id,name,size; now: id,size)"),
    ),
    "renamed column": (
        ["ALTER TABLE items RENAME COLUMN name TO title"],
        always("error", "perhaps it is called 'title' now"),
    ),
    "retyped column": (
        ["DROP TABLE items", TABLE.replace("size bigint", "size text"), FILL.replace(", i FROM", ", 'x' || i FROM")],
        always("error", "'size' from bigint to text"),
    ),
    "table gone": (["DROP TABLE items"], always("failed", "items")),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SQL_LIES)
def test_database_that_lies_harms_no_target_either(
    target: str, sql_at_target: SQLAtTarget, mode: str, name: str
) -> None:
    statements, outcomes = SQL_LIES[name]
    for statement in (TABLE, FILL):
        sql_at_target(statement)
    job_type = make_type(target, target, "id", mode, into="copies")
    assert counts(run(job_type)) == {"read": 24, "inserted": 24}
    for statement in statements:
        sql_at_target(statement)
    check_lie(job_type, outcomes[mode], lambda: contents(target, "copies", "id"))
    for statement in ("DROP TABLE IF EXISTS items", TABLE, FILL, "UPDATE items SET name = 'Renamed' WHERE id = 4"):
        sql_at_target(statement)
    job = run(job_type)
    assert job.status == "finished", said_of(job)
    assert contents(target, "copies", "id") == contents(target, "items", "id")


HEADER, *LINES = "id,name,size", *(f"{number},Name {number},{number}" for number in range(1, 25))
FILE_LIES: dict[str, tuple[list[str], dict[str, Outcome]]] = {
    "no line": ([], always("error", "empty")),
    "no rows": ([HEADER], NOTHING),
    "half the rows": ([HEADER, *LINES[:12]], PART),
    "dropped column": (
        ["id,size", *(f"{number},{number}" for number in range(1, 25))],
        always("error", "column 'name' missing in source (had: id,name,size; now: id,size)"),
    ),
}


@pytest.fixture
def lines(target: str, settings: LazySettings) -> Iterator[Callable[[list[str]], None]]:
    """Writes the lines of the file items.csv, which a connector reads."""
    folder = Path(settings.SYNCDECK_DATA_DIR) / "lying"
    folder.mkdir()
    columns = {"items": {"id": "bigint", "size": "bigint"}}
    config = {"root": folder.name, "format": "csv", "columns": columns}
    save_connector(connector_from_shape({"slug": "source", "kind": "files", "config": config}))

    def write(written: list[str]) -> None:
        (folder / "items.csv").write_text("".join(f"{line}\n" for line in written), encoding="utf-8")

    yield write
    shutil.rmtree(folder)


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
@pytest.mark.parametrize("mode", ["upsert", "mirror"])
@pytest.mark.parametrize("name", FILE_LIES)
def test_file_that_lies_harms_no_target_either(
    target: str, lines: Callable[[list[str]], None], mode: str, name: str
) -> None:
    written, outcomes = FILE_LIES[name]
    lines([HEADER, *LINES])
    job_type = make_type("source", target, "id", mode)
    assert counts(run(job_type)) == {"read": 24, "inserted": 24}
    lines(written)
    check_lie(job_type, outcomes[mode], lambda: contents(target, key="id"))
    lines([HEADER, LINES[0].replace("Name", "Renamed"), *LINES[1:]])
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 24, "updated": 1, "unchanged": 23}), said_of(job)
