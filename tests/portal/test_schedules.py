"""The schedules' pages: a rule of each kind goes in, shows in words, and can be switched and deleted."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from syncjobs.models import Schedule, SyncJobType
from syncjobs.operations.schedules import rule_of
from syncjobs.schedule_times import Clocked, Crontab, Interval
from tests.portal.conftest import MakeJob, MakeStaff

ADD = "/admin/schedules/add/"


def typed(job_type: SyncJobType, /, **changes: str) -> dict[str, str]:
    """What a browser posts: the fields of all three kinds, of which one is chosen."""
    values = {"job_type": str(job_type.pk), "name": "Nightly", "kind": "crontab", "crontab": "8 2 * * *"}
    values |= {"zone": "Europe/Berlin", "every": "1", "unit": "3600", "at": "", "enabled": "on"}
    return values | {"catch_up": "latest", "overrides": "{}"} | changes


def test_a_crontab_goes_in_and_shows_in_words(portal: Client, job_type: SyncJobType) -> None:
    response = portal.post(ADD, typed(job_type, crontab="8 2 * * 1-5"), follow=True)
    text = response.content.decode()
    assert "Nightly is saved: Every Monday to Friday at 02:08 Europe/Berlin." in text
    rule = rule_of(Schedule.objects.get())
    assert isinstance(rule, Crontab)
    assert (rule.minute, rule.hour, rule.day_of_week, rule.zone) == ("8", "2", "1-5", "Europe/Berlin")
    assert text.partition("Next five runs")[2].count("<li>") == 5


def test_an_interval_goes_in(portal: Client, job_type: SyncJobType) -> None:
    response = portal.post(ADD, typed(job_type, kind="interval", every="15", unit="60"), follow=True)
    assert "Every 15 minutes" in response.content.decode()
    rule = rule_of(Schedule.objects.get())
    assert isinstance(rule, Interval)
    assert rule.seconds == 900


def test_a_single_time_goes_in(portal: Client, job_type: SyncJobType) -> None:
    portal.post(ADD, typed(job_type, kind="clocked", at="2099-05-06T07:08"))
    assert rule_of(Schedule.objects.get()) == Clocked(datetime(2099, 5, 6, 7, 8, tzinfo=ZoneInfo("Europe/Berlin")))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"crontab": "61 * * * *"}, "is outside 0 to 59"),
        ({"crontab": "* * * *"}, "five fields"),
        ({"crontab": "@daily"}, "are not known"),
        ({"crontab": ""}, "This is needed"),
        ({"zone": "Mars/Base"}, "Mars/Base"),
        ({"zone": ""}, "This is needed"),
        ({"kind": "interval", "every": "0"}, "greater than or equal to 1"),
        ({"kind": "interval", "every": "999999999999"}, "ten years"),
        ({"kind": "interval", "every": ""}, "This is needed"),
        ({"kind": "clocked", "at": "2001-01-01T00:00"}, "has passed"),
        ({"kind": "clocked", "at": ""}, "This is needed"),
        ({"kind": "never"}, "not one of the available choices"),
        ({"overrides": '{"batchsize": 5}'}, "batchsize: is not known"),
        ({"overrides": "["}, "Not valid JSON"),
        ({"name": " "}, "This field is required"),
        ({"job_type": "77777"}, "not one of the available choices"),
    ],
)
def test_a_wrong_rule_is_said_at_its_field(
    portal: Client, job_type: SyncJobType, changes: dict[str, str], complaint: str
) -> None:
    response = portal.post(ADD, typed(job_type, **changes))
    problems = response.content.decode().split('class="problem"')[1:]
    assert response.status_code == 422
    assert [problem for problem in problems if complaint in problem.split("</span>")[0]]
    assert not Schedule.objects.exists()


def test_a_name_stands_once(portal: Client, job_type: SyncJobType) -> None:
    portal.post(ADD, typed(job_type))
    assert "There is already a schedule named" in portal.post(ADD, typed(job_type)).content.decode()


def test_an_interval_keeps_its_start_when_other_things_are_edited(portal: Client, job_type: SyncJobType) -> None:
    portal.post(ADD, typed(job_type, kind="interval"))
    schedule = Schedule.objects.get()
    before = rule_of(schedule)
    portal.post(f"/admin/schedules/{schedule.pk}/edit/", typed(job_type, kind="interval", name="Hourly"))
    changed = Schedule.objects.get()
    assert str(changed) == "Hourly"
    assert rule_of(changed) == before


def test_of_two_people_who_edit_at_once_the_second_is_told(
    portal: Client, job_type: SyncJobType, schedule: Schedule
) -> None:
    address = f"/admin/schedules/{schedule.pk}/edit/"
    assert 'name="version" value="1"' in portal.get(address).content.decode()
    portal.post(address, typed(job_type, name="First", version="1"))
    response = portal.post(address, typed(job_type, name="Second", crontab="9 9 * * *", version="1"))
    assert response.status_code == 422
    assert "was changed by someone else; load it again" in response.content.decode()
    kept = Schedule.objects.get()
    assert (str(kept), rule_of(kept), kept.version) == ("First", Crontab("8", "2", zone="Europe/Berlin"), 2)


def test_the_form_begins_with_what_is_stored(portal: Client, schedule: Schedule) -> None:
    text = portal.get(f"/admin/schedules/{schedule.pk}/edit/").content.decode()
    assert 'value="8 2 * * *"' in text
    assert 'value="Europe/Berlin"' in text
    assert re.search(r'<input type="radio" name="kind" value="crontab"[^>]* checked>', text)


def test_a_schedule_is_switched_off_and_on(portal: Client, schedule: Schedule) -> None:
    address = f"/admin/schedules/{schedule.pk}/switch/"
    text = portal.post(address, {"enabled": "no"}, follow=True).content.decode()
    assert "is off." in text
    assert "None while it is off." in text
    assert not Schedule.objects.get().periodic_task.enabled
    portal.post(address, {"enabled": "no"})
    assert not Schedule.objects.get().periodic_task.enabled, "twice the same is no toggle"
    assert "is on." in portal.post(address, {"enabled": "yes"}, follow=True).content.decode()


def test_deleting_asks_first_and_leaves_the_jobs(portal: Client, schedule: Schedule, make_job: MakeJob) -> None:
    job = make_job(schedule=schedule)
    address = f"/admin/schedules/{schedule.pk}/delete/"
    assert "Delete the schedule" in portal.get(address).content.decode()
    assert Schedule.objects.exists()
    portal.post(address)
    job.refresh_from_db()
    assert not Schedule.objects.exists()
    assert job.schedule is None


def test_deleting_needs_its_own_permission(make_staff: MakeStaff, schedule: Schedule) -> None:
    editor = make_staff("view_schedule", "change_schedule")
    assert editor.post(f"/admin/schedules/{schedule.pk}/delete/").status_code == 403
    assert Schedule.objects.exists()
