"""Round a schedule's form: what a rule means while it is typed, running now, filters, and the next 24 hours."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from pytest_django import DjangoAssertNumQueries

from syncjobs.models import Schedule, SyncJob, SyncJobType
from syncjobs.operations.schedules import rule_of, save_schedule, set_schedule_enabled
from syncjobs.portal import calendar_reads
from syncjobs.portal.calendar_reads import read_calendar
from syncjobs.schedule_times import Clocked, Crontab, Interval, Rule
from syncjobs.statuses import Status
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff
from tests.portal.test_schedules import ADD, typed

PREVIEW = "/admin/schedules/preview/"
CALENDAR = "/admin/schedules/calendar/"
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


def preview(client: Client, address: str = PREVIEW, **fields: str) -> str:
    response = client.post(address, fields, headers={"HX-Request": "true"})
    assert response.status_code == 200
    text = response.content.decode()
    assert "<html" not in text
    return text


def make(job_type: SyncJobType, name: str, rule: Rule) -> Schedule:
    return save_schedule(job_type=job_type, name=name, rule=rule, actor="anna")


def test_a_rule_that_is_being_typed_shows_its_words_and_next_five_runs(portal: Client, db: None) -> None:
    text = preview(portal, kind="crontab", crontab="30 6 * * mon", zone="America/New_York")
    assert "Every Monday at 06:30 America/New_York." in text
    times = [datetime.fromisoformat(found) for found in re.findall(r'<li><div><time datetime="([^"]+)"', text)]
    assert len(times) == 5
    assert all((one.astimezone(NEW_YORK).hour, one.weekday()) == (6, 0) for one in times)
    assert text.count(" UTC here</div>") == 5, "and by the project's clock"


def test_a_new_schedule_is_offered_a_name_that_is_free(portal: Client, job_type: SyncJobType) -> None:
    address = f"{ADD}?type={job_type.slug}"
    assert f'value="{job_type.name}"' in portal.get(address).content.decode()
    make(job_type, job_type.name, Interval(3600, timezone.now()))
    assert f'value="{job_type.name} 2"' in portal.get(address).content.decode()


def test_an_interval_and_a_single_time_are_previewed(portal: Client, job_type: SyncJobType) -> None:
    assert "Every 15 minutes." in preview(portal, kind="interval", every="15", unit="60")
    once = preview(portal, kind="clocked", at="2099-05-06T07:08", zone="Europe/Berlin")
    assert "Wed 6 May 2099, 07:08 CEST" in once
    assert once.count("<li>") == 1
    rule = Interval(86_400, timezone.now() - timedelta(hours=1))
    stored = make(job_type, "Daily", rule)
    text = preview(portal, f"{PREVIEW}?schedule={stored.pk}", kind="interval", every="1", unit="86400")
    assert "in 22 h" in text, "an interval that stays the same keeps its start"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"kind": "crontab", "crontab": "61 * * * *", "zone": "UTC"}, "minute: &#x27;61&#x27; is outside 0 to 59"),
        ({"kind": "crontab", "crontab": "0 0 31 2 *", "zone": "UTC"}, "the schedule will never run"),
        ({"kind": "crontab", "crontab": "8 2 * * *", "zone": "Mars/Base"}, "there is no time zone"),
        ({"kind": "crontab", "crontab": ATTACK, "zone": "UTC"}, "five fields"),
        ({"kind": "clocked", "at": "2001-01-01T00:00", "zone": "UTC"}, "has passed"),
        ({"kind": "clocked", "at": "soon", "zone": "UTC"}, "such as 2027-01-31T02:30"),
        ({"kind": "clocked", "at": "2099-03-29T02:30", "zone": "Europe/Berlin"}, "clocks go forward"),
        ({"kind": "interval", "every": "", "unit": "60"}, "This is needed"),
        ({}, "This field is required"),
    ],
)
def test_what_is_no_rule_yet_says_why(portal: Client, fields: dict[str, str], complaint: str) -> None:
    text = preview(portal, **fields)
    assert "Not a rule yet" in text
    assert complaint in text
    assert ATTACK not in text


@pytest.mark.parametrize(
    ("changes", "field", "complaint"),
    [
        ({"crontab": "0 0 31 2 *"}, "crontab", "the schedule will never run"),
        ({"zone": "Mars/Base"}, "zone", "there is no time zone"),
        ({"kind": "clocked", "at": "2099-03-29T02:30"}, "at", "clocks go forward"),
    ],
)
def test_a_rule_that_would_never_fire_is_refused_at_its_field(
    portal: Client, job_type: SyncJobType, changes: dict[str, str], field: str, complaint: str
) -> None:
    response = portal.post(ADD, typed(job_type, **changes))
    assert response.status_code == 422
    (problem,) = re.findall(rf'<span class="problem" id="id_{field}_error">(.*?)</span>', response.content.decode())
    assert complaint in problem
    assert not Schedule.objects.exists()


def test_a_single_time_is_that_of_the_chosen_zone(portal: Client, job_type: SyncJobType) -> None:
    portal.post(ADD, typed(job_type, kind="clocked", at="2099-05-06T07:08", zone="America/New_York"))
    assert rule_of(Schedule.objects.get()) == Clocked(datetime(2099, 5, 6, 7, 8, tzinfo=NEW_YORK))


def test_a_schedule_runs_now_with_its_limits_and_stays_due(portal: Client, schedule: Schedule) -> None:
    Schedule.objects.update(overrides={"queue": "long", "batch_size": 7})
    due = Schedule.objects.get().last_due_at
    response = portal.post(f"/admin/schedules/{schedule.pk}/run/", follow=True)
    assert "is queued. When" in response.content.decode()
    job = SyncJob.objects.get()
    assert (job.queue, job.trigger_type, job.schedule) == ("long", "manual", None)
    assert job.config_snapshot["config"]["streams"][0]["batch_size"] == 7
    assert Schedule.objects.get().last_due_at == due


def test_a_run_that_is_refused_says_why(portal: Client, schedule: Schedule) -> None:
    SyncJobType.objects.update(paused_at=timezone.now())
    text = portal.post(f"/admin/schedules/{schedule.pk}/run/", follow=True).content.decode()
    assert "Airports is paused; resume it first." in text
    assert not SyncJob.objects.exists()


def test_running_now_needs_the_right_to_run_jobs(make_staff: MakeStaff, schedule: Schedule) -> None:
    editor = make_staff("view_schedule", "change_schedule")
    assert "Run now" not in editor.get(f"/admin/schedules/{schedule.pk}/").content.decode()
    assert editor.post(f"/admin/schedules/{schedule.pk}/run/").status_code == 403


def test_the_list_is_limited_by_state_type_and_name(portal: Client, job_type: SyncJobType) -> None:
    make(job_type, "Nightly", Crontab.from_line("8 2 * * *"))
    set_schedule_enabled(make(job_type, "Hourly", Crontab.from_line("0 * * * *")), False, actor="anna")

    def listed(query: str) -> list[str]:
        text = portal.get(f"/admin/schedules/?{query}").content.decode()
        return re.findall(r'<td><a href="/admin/schedules/\d+/">([^<]+)</a>', text)

    assert listed("") == listed("state=sometimes") == ["Nightly", "Hourly"]
    assert listed("state=on") == ["Nightly"]
    assert listed("state=off") == listed("q=hour") == ["Hourly"]
    assert listed("type=airports&state=paused") == []
    assert "No schedule fits" in portal.get("/admin/schedules/?type=none").content.decode()


def test_the_calendar_shows_what_runs_by_both_clocks(portal: Client, job_type: SyncJobType, make_job: MakeJob) -> None:
    make_job(Status.FINISHED, time_taken=90.0)
    make(job_type, f"Early {ATTACK}", Crontab.from_line("30 6 * * *", "America/New_York"))
    set_schedule_enabled(make(job_type, "Switched off", Crontab.from_line("0 3 * * *")), False, actor="anna")
    text = portal.get(CALENDAR).content.decode()
    assert ATTACK not in text
    assert "Switched off" not in text
    here = datetime.now(NEW_YORK).replace(hour=6, minute=30).astimezone(ZoneInfo("UTC"))
    assert f"{here:%H:%M} UTC" in text
    assert f"<title>{here:%H:%M}, usually 1 min 30 s</title>" in text
    assert re.search(r"06:30 E[SD]T</time>", text)


def test_minutes_in_which_many_start_stand_out(job_type: SyncJobType) -> None:
    for number in range(3):
        make(job_type, f"At four {number}", Crontab.from_line("0 4 * * *", "UTC"))
    make(job_type, "Later", Crontab.from_line("20 4 * * *", "UTC"))
    make(job_type, "Always", Crontab.from_line("* * * * *", "UTC"))
    calendar = read_calendar(datetime(2026, 11, 23, 12, 30, tzinfo=ZoneInfo("UTC")))
    assert [(one.at.hour, one.names) for one in calendar.crowded] == [(4, [f"At four {number}" for number in range(3)])]
    assert [(bar.x, bar.is_crowded) for bar in calendar.quarters] == [(16 * 60, True), (16 * 60 + 15, False)]
    always = next(row for row in calendar.rows if str(row.schedule) == "Always")
    assert (always.is_dense, len(always.blocks), len(always.runs)) == (True, 1, 23 * 60 + 30)
    assert len(calendar.lines) == 4


def test_the_calendar_names_a_rule_that_cannot_be_read(portal: Client, schedule: Schedule) -> None:
    PeriodicTask.objects.update(crontab=None)
    text = portal.get(CALENDAR).content.decode()
    assert "the rule cannot be read" in text
    assert "Nothing runs by itself in these 24 hours" in text


@pytest.mark.parametrize("number", [1, 30])
def test_the_calendar_takes_as_few_queries_for_many(
    portal: Client, job_type: SyncJobType, number: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for place in range(number):
        make(job_type, f"Rule {place}", Crontab.from_line(f"{place} * * * *"))
    with django_assert_max_num_queries(18):
        assert portal.get(CALENDAR).status_code == 200


def test_the_calendar_says_how_many_schedules_it_leaves_out(
    portal: Client, job_type: SyncJobType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in range(3):
        make(job_type, f"At {hour}", Crontab.from_line(f"0 {hour} * * *"))
    monkeypatch.setattr(calendar_reads, "SCHEDULES_SHOWN", 3)
    assert "Not all" not in portal.get(CALENDAR).content.decode()
    monkeypatch.setattr(calendar_reads, "SCHEDULES_SHOWN", 2)
    assert "are drawn; 1 more is <a" in portal.get(CALENDAR).content.decode()


def test_who_may_not_see_schedules_gets_neither_calendar_nor_preview(make_staff: MakeStaff, schedule: Schedule) -> None:
    stranger = make_staff("view_syncjob")
    assert stranger.get(CALENDAR).status_code == 403
    assert stranger.post(PREVIEW, {"kind": "interval", "every": "1", "unit": "60"}).status_code == 403


def test_beats_own_pages_do_not_exist(portal: Client, schedule: Schedule) -> None:
    for model in ("periodictask", "crontabschedule", "intervalschedule", "clockedschedule", "solarschedule"):
        assert portal.get(f"/admin/django_celery_beat/{model}/").status_code == 404
    assert "django_celery_beat" not in portal.get(reverse("admin:index")).content.decode()
