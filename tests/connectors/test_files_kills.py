"""A process that writes a file is killed at any moment: nothing is lost, doubled or torn."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connectors.files import FilesConnector
from tests.connectors.sql_batches import read_rows
from tests.connectors.sql_systems import allow_files_below
from tests.isolation import CHECKOUT

BATCHES = 60
ROWS = 40
PROGRAM = f"""
import sys
from pathlib import Path
from connectors import paths
from connectors.base import TargetCheckpoint, WriteRequest
from connectors.files import FilesConnector
from connectors.records import Field

paths.configure(Path(sys.argv[1]))
connector = FilesConnector("out", {{"root": "out", "format": sys.argv[2]}}, {{}})
fields = (Field("id", "integer"), Field("note", "text"))
writer = connector.writer(WriteRequest("notes", fields, (), "append"))
writer.prepare()
found = writer.begin("job", int(sys.argv[3]))
writer.rollback()
print("ready", flush=True)
for number in range(found.batch_no + 1 if found else 1, {BATCHES} + 1):
    writer.begin("job", int(sys.argv[3]))
    writer.stage([(number * {ROWS} + place, "a note\\n" * 9) for place in range({ROWS})])
    writer.compare()
    writer.write()
    writer.commit(TargetCheckpoint(number, None, {{}}))
connector.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_killed_writer_goes_on_exactly_and_the_file_is_always_whole(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_files_below(tmp_path, monkeypatch)
    chance = random.Random(7)  # noqa: S311 - when to kill
    kills = 0
    for fence in range(1, 100):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), name, str(fence)]
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.3))
        ended = process.poll()
        process.kill()
        process.wait()
        process.stdout.close()
        if ended is not None:
            assert ended == 0
            break
        kills += 1
        connector = FilesConnector("out", {"root": "out", "format": name}, {})
        assert connector.count("notes") % ROWS == 0, "a torn file"
        connector.close()
    assert kills > 0
    connector = FilesConnector("out", {"root": "out", "format": name}, {})
    ids = [int(row[0]) for row in read_rows(connector, "notes")]
    connector.close()
    assert ids == list(range(ROWS, (BATCHES + 1) * ROWS))
