"""The sandbox's file: a restart changes nothing, and a record's :updated_at moves only with its content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
import requests

from connectors.sandbox.datasets import DatasetSpec, Edition, Row
from connectors.sandbox.errors import SandboxError, SodaError
from connectors.sandbox.server import RunningSandbox, running_sandbox
from connectors.sandbox.tables import ChangeCounts
from tests.sandbox.conftest import THINGS, Ask

Snapshot = dict[str, dict[str, str]]
WEDNESDAY, THURSDAY = date(2026, 11, 18), date(2026, 11, 19)


def snapshot(sandbox: RunningSandbox, dataset: str = "things", key: str = "code") -> Snapshot:
    url = f"{sandbox.url}/resource/{dataset}.json"
    rows = requests.get(url, params={"$select": ":*, *", "$limit": "50000"}, timeout=10).json()
    return {row[key]: row for row in rows}


@contextmanager
def days_sandbox(path: Path, today: Callable[[], date]) -> Iterator[RunningSandbox]:
    """A dataset with a record for each of the three days that end today."""

    def rows(edition: Edition) -> Iterator[Row]:
        for back in range(3):
            yield {"day": str(edition.today.toordinal() - back), "release": edition.release}

    spec = DatasetSpec(key=("day",), columns={"day": "text", "release": "text"}, rows=rows)
    with running_sandbox(path, datasets={"days": spec}, today=today) as sandbox:
        yield sandbox


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with running_sandbox(path, datasets={"things": THINGS}) as sandbox:
        before = snapshot(sandbox)
        modified = requests.get(f"{sandbox.url}/resource/things.json", timeout=10).headers["Last-Modified"]
    with running_sandbox(path, datasets={"things": THINGS}) as sandbox:
        assert snapshot(sandbox) == before
        assert requests.get(f"{sandbox.url}/resource/things.json", timeout=10).headers["Last-Modified"] == modified


def test_only_the_changed_record_is_stamped_anew(sandbox: RunningSandbox) -> None:
    before = snapshot(sandbox)
    counts = sandbox.change_rows("things", [{"code": "a", "size": 11}, {"code": "b", "size": 9}, {"code": "new"}])
    after = snapshot(sandbox)
    assert counts == ChangeCounts(inserted=1, updated=1, deleted=0)
    assert after["a"] == before["a"] | {"size": "11", ":updated_at": after["a"][":updated_at"]}
    assert after["a"][":updated_at"] > before["a"][":updated_at"]
    assert after["new"][":created_at"] == after["new"][":updated_at"] == after["a"][":updated_at"]
    assert {code: after[code] for code in "bcde"} == {code: before[code] for code in "bcde"}


def test_every_change_is_stamped_later_than_the_one_before(sandbox: RunningSandbox) -> None:
    stamps = []
    for size in range(20):
        sandbox.change_rows("things", [{"code": "a", "size": size}])
        stamps.append(snapshot(sandbox)["a"][":updated_at"])
    assert stamps == sorted(set(stamps))


def test_a_null_empties_a_field_and_a_deleted_record_is_gone(sandbox: RunningSandbox, ask: Ask) -> None:
    sandbox.change_rows("things", [{"code": "a", "name": None}])
    assert sandbox.delete_rows("things", ["b", {"code": "c"}, "not there"]) == ChangeCounts(deleted=2)
    assert [row["code"] for row in ask(order="code")] == ["a", "d", "e"]
    assert "name" not in ask(where="code = 'a'")[0]


def test_changes_by_hand_stay_over_a_restart_until_reset(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with running_sandbox(path, datasets={"things": THINGS}) as sandbox:
        original = snapshot(sandbox)
        sandbox.change_rows("things", [{"code": "a", "size": 77}, {"code": "mine"}])
        sandbox.delete_rows("things", ["b"])
        changed = snapshot(sandbox)
    with running_sandbox(path, datasets={"things": THINGS}) as sandbox:
        assert snapshot(sandbox) == changed
        assert sandbox.reset() == {"things": ChangeCounts(inserted=1, updated=1, deleted=1)}
        restored = snapshot(sandbox)
    assert restored.keys() == original.keys()
    assert restored["a"]["size"] == original["a"]["size"]
    assert restored["b"][":id"] == original["b"][":id"]
    assert restored["c"] == original["c"]


def test_a_new_day_adds_its_records_while_the_server_runs(tmp_path: Path) -> None:
    today = WEDNESDAY
    with days_sandbox(tmp_path / "sandbox.sqlite3", lambda: today) as sandbox:
        before = snapshot(sandbox, "days", "day")
        today = THURSDAY
        after = snapshot(sandbox, "days", "day")
    assert after.keys() - before.keys() == {str(THURSDAY.toordinal())}
    assert before.keys() - after.keys() == {str(WEDNESDAY.toordinal() - 2)}
    assert all(after[day] == before[day] for day in after.keys() & before.keys())


def test_a_release_stays_chosen_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with days_sandbox(path, lambda: WEDNESDAY) as sandbox:
        assert sandbox.switch_release("previous") == {"days": ChangeCounts(updated=3)}
        before = snapshot(sandbox, "days", "day")
    with days_sandbox(path, lambda: WEDNESDAY) as sandbox:
        assert snapshot(sandbox, "days", "day") == before
        assert {row["release"] for row in before.values()} == {"previous"}
        with pytest.raises(SodaError, match=r"There is no release 'next'; choose from current, previous\."):
            sandbox.switch_release("next")


def test_other_columns_make_the_table_anew(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with running_sandbox(path, datasets={"things": THINGS}):
        pass
    other = DatasetSpec(key=("code",), columns={"code": "text", "weight": "number"}, rows=[{"code": "a", "weight": 2}])
    with running_sandbox(path, datasets={"things": other}) as sandbox:
        rows = requests.get(f"{sandbox.url}/resource/things.json", params={"$where": "weight > 1"}, timeout=10).json()
        assert rows == [{"code": "a", "weight": "2"}]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"code": "a", "size": "N/A"}, "column size cannot hold 'N/A': it takes a number"),
        ({"code": "a", "size": float("nan")}, "column size cannot hold nan: it takes a number"),
        ({"code": "a", "made_at": "tomorrow"}, "column made_at cannot hold 'tomorrow'"),
        ({"code": "a", "is_new": "yes"}, "column is_new cannot hold 'yes'"),
        ({"code": "a", "name": "\ud800"}, "a lone surrogate"),
        ({"name": "no code"}, "a record needs its key (code)"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_whole(
    sandbox: RunningSandbox, row: dict[str, object], sentence: str
) -> None:
    before = snapshot(sandbox)
    with pytest.raises(SandboxError) as refused:
        sandbox.change_rows("things", [{"code": "d", "size": 1}, row])
    assert sentence in str(refused.value)
    assert snapshot(sandbox) == before


def test_two_records_with_one_key_stop_the_start(tmp_path: Path) -> None:
    twice = DatasetSpec(key=("code",), columns={"code": "text"}, rows=[{"code": "a"}, {"code": "a"}])
    with pytest.raises(SandboxError, match=r'Dataset twice: two records have the key {"code": "a"}\.'):  # noqa: SIM117
        with running_sandbox(tmp_path / "sandbox.sqlite3", datasets={"twice": twice}):
            pass


def test_a_file_that_is_no_database_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be read as one" * 100)
    with pytest.raises(SandboxError, match=r"cannot use the data file .*notes\.txt: file is not a database"):  # noqa: SIM117
        with running_sandbox(path, datasets={"things": THINGS}):
            pass
