"""Kill -9 amid syncs from file to file, at each crash point: no file is ever torn, and each ends exactly right."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.faults.documents import assert_books_are_in_order
from tests.faults.stack import Stack, is_final
from tests.faults.things import ask_for, import_shapes

pytestmark = pytest.mark.slow

RECORDS, BATCH_SIZE, GONE, CHANGED = 1_200, 200, 300, 120
Row = dict[str, Any]


def rows_before() -> list[Row]:
    return [{"id": number, "name": f"Thing {number} ä"} for number in range(RECORDS)]


def rows_after() -> list[Row]:
    return [row | ({"name": "new"} if row["id"] % 10 == 0 else {}) for row in rows_before() if row["id"] % 4 != 3]


def write(path: Path, rows: list[Row]) -> None:
    """As somebody else would, whose file is then put in its place."""
    beside = path.with_suffix(".new")
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), beside)
    elif path.suffix == ".jsonl":
        beside.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    else:
        with beside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["id", "name"])
            writer.writeheader()
            writer.writerows(rows)
    beside.replace(path)


def read(path: Path) -> list[Row]:
    """Every record; fails where the file is torn."""
    if path.suffix == ".parquet":
        rows: list[Row] = pq.read_table(path).to_pylist()
    elif path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    else:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    return sorted(({"id": int(row["id"]), "name": row["name"]} for row in rows), key=lambda row: int(row["id"]))


def set_up(stack: Stack, file_format: str) -> Path:
    """Make the connectors and the type; the folder of the source's file."""
    folder = stack.data_dir / "in"
    folder.mkdir()
    write(folder / f"things.{file_format}", rows_before())
    columns = {"things": {"id": "bigint", "name": "text"}}
    source = {"slug": "source", "kind": "files"}
    source |= {"config": {"root": "in", "format": file_format, "columns": columns}}  # type: ignore[dict-item]
    target = {"slug": "target", "kind": "files", "config": {"root": "out", "format": file_format}}
    stream = {"source": "things", "target": "things", "key": ["id"], "mode": "mirror", "batch_size": BATCH_SIZE}
    shape = {"slug": "things", "name": "Things", "source_connector": "source", "target_connector": "target"}
    guards = {"min_source_share": 0}
    import_shapes(
        stack, [source, target], [shape | {"retry_delay": 0, "guards": guards, "config": {"streams": [stream]}}]
    )
    return folder


def run_and_be_killed(stack: Stack, attempts: int) -> dict[str, Any]:
    (job_id,) = ask_for(stack)
    target = stack.data_dir / "out"

    def is_over(job: dict[str, Any]) -> bool:
        for path in target.glob("things.*"):
            read(path)
        return is_final(job)

    job = stack.wait_for(job_id, is_over)
    assert (job["status"], job["attempt"]) == ("finished", attempts), stack.log_text()
    assert [path.name for path in target.iterdir() if path.suffix == ".tmp"] == []
    return job


# Six batches of a load; then five that read and two that delete. A process that takes over counts from one.
@pytest.mark.parametrize(
    ("file_format", "points", "attempts"),
    [
        ("csv", "after_read:2,before_commit:3,after_target_commit:7", (3, 2)),
        ("jsonl", "after_target_commit:2,before_checkpoint:3,before_commit:7", (3, 2)),
        ("parquet", "before_commit:1,after_target_commit:3,before_checkpoint:9", (3, 2)),
    ],
)
@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
def test_sync_from_file_to_file_that_is_killed_leaves_no_torn_file_and_ends_exact(
    stack: Stack, file_format: str, points: str, attempts: tuple[int, int]
) -> None:
    folder = set_up(stack, file_format)
    target = stack.data_dir / "out" / f"things.{file_format}"
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT=points)
    job = run_and_be_killed(stack, attempts[0])
    assert (job["counts"]["read"], job["counts"]["inserted"]) == (RECORDS, RECORDS)
    assert read(target) == rows_before()
    write(folder / target.name, rows_after())
    job = run_and_be_killed(stack, attempts[1])
    assert read(target) == rows_after()
    found = {name: number for name, number in job["counts"].items() if number}
    kept = RECORDS - GONE
    assert found == {"read": kept, "updated": CHANGED, "unchanged": kept - CHANGED, "deleted": GONE}
    assert_books_are_in_order(stack)
