"""`manage.py schedule` as a person meets it."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from syncjobs.models import Schedule
from syncjobs.operations.schedules import rule_of
from syncjobs.schedule_times import Clocked, Crontab, Interval
from tests.lifecycle.factories import JobTypeFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def job_type() -> None:
    stream = {"source": "items", "target": "items", "key": ["code"]}
    JobTypeFactory.create(slug="items", name="Items", config={"streams": [stream]})


def only() -> Schedule:
    return Schedule.objects.select_related("periodic_task").get()


def test_set_makes_changes_and_delete_removes(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("schedule", "set", "items", "--every", "900")
    assert "'Items' runs items: Every 15 minutes." in capsys.readouterr().out
    call_command("schedule", "set", "items", "--crontab", "8 2 * * mon-fri", "--zone", "Europe/Berlin", "--disabled")
    assert rule_of(only()) == Crontab("8", "2", "*", "*", "mon-fri", "Europe/Berlin")
    assert not only().periodic_task.enabled
    call_command("schedule", "set", "items", "--at", "2099-01-31T02:30", "--overrides", '{"queue": "long"}')
    assert isinstance(rule_of(only()), Clocked)
    assert only().overrides == {"queue": "long"}
    call_command("schedule", "delete", "Items")
    assert not Schedule.objects.exists()


def test_an_interval_that_is_set_again_goes_on_from_where_it_began() -> None:
    call_command("schedule", "set", "items", "--every", "900")
    before = rule_of(only())
    call_command("schedule", "set", "items", "--every", "900", "--catch-up", "none")
    assert rule_of(only()) == before
    assert isinstance(before, Interval)


def test_list_shows_words_and_the_next_run(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("schedule", "list")
    assert capsys.readouterr().out == "There is no schedule.\n"
    call_command("schedule", "set", "items", "--crontab", "0 4 * * *", "--name", "At four")
    capsys.readouterr()
    call_command("schedule", "list")
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["ID", "NAME", "TYPE", "WHEN", "NEXT"]
    assert "At four" in table[1]
    assert "Every day at 04:00 UTC" in table[1]
    assert table[1].endswith("04:00:00")
    call_command("schedule", "list", "--json")
    (shown,) = json.loads(capsys.readouterr().out)["schedules"]
    assert (shown["name"], shown["enabled"], len(shown["next_runs"])) == ("At four", True, 5)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["set", "nope", "--every", "60"], 3, "There is no job type 'nope'; there are: items"),
        (["delete", "nope"], 3, "There is no schedule 'nope'"),
        (["delete", "9" * 30], 3, "There is no schedule"),
        (["set", "items", "--every", "0"], 2, "an interval must be"),
        (["set", "items", "--crontab", "61 * * * *"], 2, "outside 0 to 59"),
        (["set", "items", "--crontab", "* * * *"], 2, "five fields"),
        (["set", "items", "--crontab", "* * * * *", "--zone", "Mars/Base"], 2, "Mars/Base"),
        (["set", "items", "--at", "2001-01-01T00:00"], 2, "has passed"),
        (["set", "items", "--every", "60", "--overrides", '{"queue": "fast"}'], 2, "there is no queue 'fast'"),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(arguments: list[str], code: int, words: str) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("schedule", *arguments)
    assert refusal.value.returncode == code
    assert words in str(refusal.value)
    assert not Schedule.objects.exists()
