"""What `manage.py sync` refuses: one sentence on stderr, nothing on stdout, no job, and the right exit code."""

from __future__ import annotations

import pytest

from syncjobs.management.commands.sync import Command
from syncjobs.models import SyncJob
from syncjobs.operations.seeds import seed_defaults, seed_demo

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def default_jobs(transactional_db: None, capsys: pytest.CaptureFixture[str]) -> None:
    seed_defaults(actor="test")
    seed_demo("http://127.0.0.1:18000", actor="test")
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "nope"], 3, "There is no job type 'nope'; there are: airports, full_refresh"),
        (["show", "99999"], 3, "There is no job #99999"),
        (["cancel", "99999"], 3, "There is no job #99999"),
        (["retry", "99999"], 3, "There is no job #99999"),
        (["list", "--type", "nope"], 3, "There is no job type 'nope'"),
        ([], 2, "required"),
        (["run"], 2, "TYPE"),
        (["run", "airports", "--batch-size", "many"], 2, "invalid int value"),
        (["run", "airports", "--batch-size", "0"], 2, "batch_size: must be at least 1"),
        (["run", "airports", "--batch-size", "1000000000"], 2, "at most 1,000,000"),
        (["run", "airports", "--endpoints", "crashes"], 2, "'crashes' is not one of this type's streams"),
        (["run", "airports", "--start-date", "2026-11-01"], 2, "needs a window field"),
        (["delta", "--start-date", "2026-02-30"], 2, "'2026-02-30' is not in the calendar"),
        (["delta", "--start-date", "2026-11-05", "--end-date", "2026-11-01"], 2, "the range is empty"),
        (["delta", "--endpoints", "crashs"], 2, "choose from crashes, people, vehicles and fatalities"),
        (["run", "airports", "--context", "[1]"], 2, "must be a JSON object"),
        (["run", "airports", "--context", '{"a": NaN}'], 2, "NaN is no number of JSON"),
        (["run", "airports", "--context", '{"a": 1, "a": 2}'], 2, "a name occurs twice"),
        (["run", "airports", "--context", '{"a": "\\u0000"}'], 2, "NUL character"),
        (["run", "airports", "--context", '{"a": "\\ud800"}'], 2, "half a character"),
        (["run", "airports", "--context", "[" * 50_000], 2, "it is not JSON"),
        (["list", "--limit", "0"], 2, "not a number from 1 to 1,000"),
        (["list", "--status", "gone"], 2, "invalid choice"),
    ],
)
def test_what_cannot_be_done_is_told_on_stderr_with_its_exit_code(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    with pytest.raises(SystemExit) as ending:
        Command().run_from_argv(["manage.py", "sync", *arguments])
    output, errors = capsys.readouterr()
    assert (ending.value.code, output) == (code, ""), errors
    assert words in errors
    assert "Traceback" not in errors
    assert not SyncJob.objects.exists()
