"""Schedules made, changed, run and deleted by programs: every sort of rule, and what is no rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask, SolarSchedule

from syncjobs.models import Schedule, SyncJob, SyncJobType
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Crontab
from tests.api.conftest import Api, MakeApi, error_of, make_job_type

ANY = {"If-Match": "*"}
NIGHTLY = {"job_type": "airports", "name": "Nightly", "crontab": "8 2 * * 1-5", "zone": "Europe/Berlin"}


@pytest.fixture
def schedule(job_type: SyncJobType) -> Schedule:
    return save_schedule(job_type=job_type, name="Nightly", rule=Crontab("8", "2", zone="Europe/Berlin"), actor="anna")


def refused(response: Any, field: str, words: str = "") -> None:
    error = error_of(response)
    assert (response.status_code, list(error["fields"])) == (400, [field]), error
    assert words in " ".join(error["fields"][field])


def place(schedule: Schedule) -> str:
    return f"schedules/{schedule.pk}/"


def test_a_crontab_is_made_in_its_zone_and_tells_when_it_runs(api: Api, job_type: SyncJobType) -> None:
    made = api.post("schedules/", NIGHTLY | {"overrides": {"batch_size": 500}, "catch_up": "none"})
    assert (made.status_code, made["ETag"]) == (201, '"1"')
    told = made.json()
    assert {name: told[name] for name in NIGHTLY} == NIGHTLY
    assert (told["every"], told["at"], told["warnings"]) == (None, None, [])
    assert (told["overrides"], told["catch_up"], told["enabled"]) == ({"batch_size": 500}, "none", True)
    assert datetime.fromisoformat(told["next_runs"][0]).utcoffset() == timedelta(0)
    assert made["Location"].endswith(f"/api/v1/schedules/{told['id']}/")
    assert api.get(f"schedules/{told['id']}/").json()["crontab"] == "8 2 * * 1-5"


def test_an_interval_and_a_single_time_are_made(api: Api, job_type: SyncJobType) -> None:
    made = api.post("schedules/", {"job_type": "airports", "every": 5400, "start": "2026-01-01T00:00:00Z"}).json()
    assert (made["name"], made["every"], made["start"][:19]) == ("Airports", 5400, "2026-01-01T00:00:00")
    once = {"job_type": "airports", "name": "Once", "at": "2127-07-01T02:30", "zone": "Europe/Berlin"}
    told = api.post("schedules/", once).json()
    assert datetime.fromisoformat(told["at"]) == datetime(2127, 7, 1, 0, 30, tzinfo=UTC)
    assert [datetime.fromisoformat(run) for run in told["next_runs"]] == [datetime(2127, 7, 1, 0, 30, tzinfo=UTC)]


def test_a_time_without_any_zone_is_one_of_the_project(api: Api, job_type: SyncJobType, settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    told = api.post("schedules/", {"job_type": "airports", "at": "2127-07-01T02:30"}).json()
    assert datetime.fromisoformat(told["at"]) == datetime(2127, 7, 1, 6, 30, tzinfo=UTC)
    assert api.post("schedules/", NIGHTLY | {"zone": "UTC"}).json()["zone"] == "UTC"


def test_what_is_given_is_changed_and_the_rest_stays(api: Api, schedule: Schedule) -> None:
    make_job_type("planes")

    def patch(**changes: Any) -> dict[str, Any]:
        answer = api.patch(place(schedule), changes, **{"If-Match": api.get(place(schedule))["ETag"]})
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    assert patch(enabled=False)["next_runs"] == []
    assert patch(zone="UTC")["crontab"] == "8 2 * * *"
    told = patch(name="Planes", job_type="planes", overrides={"queue": "long"}, catch_up="none", enabled=True)
    assert (told["name"], told["job_type"], told["overrides"]) == ("Planes", "planes", {"queue": "long"})
    assert (told["crontab"], told["zone"], told["catch_up"], told["version"]) == ("8 2 * * *", "UTC", "none", 4)
    every = patch(every=60)
    assert (every["every"], every["crontab"], every["zone"]) == (60, None, None)
    assert patch(every=120)["start"] == every["start"], "it goes on from where it began"
    assert patch(crontab="0 0 * * *", zone="Asia/Tokyo")["every"] is None


def test_an_edit_says_of_which_version_it_is(api: Api, schedule: Schedule) -> None:
    assert api.patch(place(schedule), {"enabled": False}).status_code == 428
    assert api.delete(place(schedule)).status_code == 428
    assert api.patch(place(schedule), {"enabled": False}, **{"If-Match": '"1"'})["ETag"] == '"2"'
    assert api.patch(place(schedule), {"enabled": True}, **{"If-Match": '"1"'}).status_code == 412
    assert api.delete(place(schedule), **{"If-Match": '"1"'}).status_code == 412
    assert api.delete(place(schedule), **{"If-Match": '"2"'}).status_code == 204
    assert (Schedule.objects.exists(), PeriodicTask.objects.filter(name="Nightly").exists()) == (False, False)


def test_a_rule_that_never_comes_is_kept_with_a_warning(api: Api, job_type: SyncJobType) -> None:
    told = api.post("schedules/", NIGHTLY | {"crontab": "0 0 31 2 *"}).json()
    assert (told["next_runs"], "never run" in told["warnings"][0]) == ([], True)
    assert "never run" in told["rule"]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"crontab": "* * * *"}, "crontab"),
        ({"crontab": "61 * * * *"}, "crontab"),
        ({"crontab": "@daily"}, "crontab"),
        ({"crontab": "*/0 * * * *"}, "crontab"),
        ({"crontab": "* " * 50_000}, "crontab"),
        ({"crontab": "5-1 * * * *"}, "crontab"),
        ({"crontab": ""}, "crontab"),
        ({"crontab": 5}, "crontab"),
        ({"crontab": "* * * * *", "zone": "Mars/Base"}, "crontab"),
        ({"crontab": "* * * * *", "zone": "EST5EDT4"}, "crontab"),
        ({"crontab": "* * * * *", "zone": "../../etc/passwd"}, "crontab"),
        ({"crontab": "* * * * *", "zone": ""}, "zone"),
        ({"every": 0}, "every"),
        ({"every": -5}, "every"),
        ({"every": 10**12}, "every"),
        ({"every": "60"}, "every"),
        ({"every": 1.5}, "every"),
        ({"every": True}, "every"),
        ({"every": 60, "start": "2026-02-30T00:00:00Z"}, "start"),
        ({"every": 60, "start": "1969-01-01T00:00:00Z"}, "every"),
        ({"every": 60, "start": "9999-12-31T23:59:59-12:00"}, "start"),
        ({"every": 60, "zone": "UTC"}, "zone"),
        ({"at": "2026-02-30T00:00"}, "at"),
        ({"at": "10000-01-01T00:00"}, "at"),
        ({"at": "9999-12-31T23:59:59-12:00"}, "at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"at": 1_800_000_000}, "at"),
        ({"at": "tomorrow"}, "at"),
        ({"at": "2027-03-28T02:30", "zone": "Europe/Berlin"}, "at"),
        ({"at": "2020-01-01T00:00Z"}, "rule"),
        ({"crontab": "* * * * *", "every": 60}, "rule"),
        ({"zone": "UTC"}, "rule"),
        ({}, "rule"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_no_rule_is_refused_by_its_field(
    rule: dict[str, Any], field: str, api: Api, job_type: SyncJobType
) -> None:
    refused(api.post("schedules/", {"job_type": "airports", "name": "x"} | rule), field)
    assert not Schedule.objects.exists()
    assert not PeriodicTask.objects.filter(name="x").exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "a" * 256}, "name"),
        ({"name": "NIGHTLY"}, "name"),
        ({"name": "Nightly"}, "name"),
        ({"job_type": "nowhere"}, "job_type"),
        ({"job_type": "../../x"}, "job_type"),
        ({"catch_up": "all"}, "catch_up"),
        ({"enabled": 1}, "enabled"),
        ({"overrides": []}, "overrides"),
        ({"overrides": {"typo": 1}}, "overrides"),
        ({"overrides": {"queue": "no such"}}, "overrides"),
        ({"overrides": {"timeout": -1}}, "overrides"),
        ({"overrides": {"max_retries": 10**6}}, "overrides"),
        ({"overrides": {"batch_size": 10**9}}, "overrides"),
        ({"overrides": {"endpoints": ["nowhere"]}}, "overrides"),
        ({"overrides": {"start_date": "2026-02-30"}}, "overrides"),
        ({"id": 1}, "id"),
        ({"version": 1}, "version"),
        ({"last_due_at": "2026-01-01T00:00:00Z"}, "last_due_at"),
        ({"next_runs": []}, "next_runs"),
        ({"periodic_task": 1}, "periodic_task"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_no_schedule_can_have_is_refused_by_its_field(
    changes: dict[str, Any], field: str, api: Api, schedule: Schedule
) -> None:
    refused(api.post("schedules/", NIGHTLY | {"name": "Other"} | changes), field)
    assert Schedule.objects.get() == schedule


def test_only_the_other_name_in_capitals_is_taken(api: Api, schedule: Schedule) -> None:
    answer = api.patch(place(schedule), {"name": "NIGHTLY"}, **ANY)
    assert (answer.status_code, answer.json()["name"]) == (200, "NIGHTLY"), "it is its own name"


def test_a_rule_made_by_other_means_is_told_and_can_only_be_replaced(api: Api, schedule: Schedule) -> None:
    task = schedule.periodic_task
    row = SolarSchedule.objects.create(event="sunset", latitude=41, longitude=-87)
    task.crontab, task.solar = None, row
    task.save()
    told = api.get(place(schedule)).json()
    assert (told["crontab"], told["next_runs"], "can not be read" in told["rule"]) == (None, [], True)
    refused(api.patch(place(schedule), {"enabled": False}, **ANY), "rule", "give one of every")
    assert api.patch(place(schedule), {"every": 60}, **ANY).json()["every"] == 60


def test_it_runs_now_with_its_limits_and_once_for_a_key(api: Api, schedule: Schedule) -> None:
    api.patch(place(schedule), {"enabled": False, "overrides": {"batch_size": 7}}, **ANY)
    answers = [api.post(f"{place(schedule)}run/", **{"Idempotency-Key": "run-1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    job = SyncJob.objects.get()
    assert answers[0].json()["id"] == job.pk
    assert (job.config_snapshot["config"]["streams"][0]["batch_size"], job.trigger_type) == (7, "api")
    assert job.schedule is None


def test_rights_are_those_of_the_portal(make_api: MakeApi, schedule: Schedule) -> None:
    viewer = make_api("view_schedule", "view_syncjobtype")
    assert viewer.get(place(schedule)).status_code == 200
    for answer in (
        viewer.post("schedules/", NIGHTLY),
        viewer.patch(place(schedule), {"enabled": False}, **ANY),
        viewer.delete(place(schedule), **ANY),
        viewer.post(f"{place(schedule)}run/"),
    ):
        assert answer.status_code == 403
    editor = make_api("view_schedule", "change_schedule")
    assert editor.patch(place(schedule), {"enabled": False}, **ANY).status_code == 200
    assert editor.delete(place(schedule), **ANY).status_code == 403
