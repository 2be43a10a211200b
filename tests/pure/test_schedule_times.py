"""Due times worked out by hand: intervals, crontabs through both clock changes, catching up, and words."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncjobs.schedule_times import (
    CatchUp,
    Clocked,
    Crontab,
    Due,
    Interval,
    Rule,
    describe,
    due_now,
    latest_due,
    next_due,
    next_times,
    rule_warnings,
    times_between,
)

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cron(line: str, zone: str = "UTC") -> Crontab:
    return Crontab.from_line(line, zone)


def times(rule: Rule, after: str, count: int = 5) -> list[str]:
    return [f"{moment:%Y-%m-%d %H:%M}" for moment in next_times(rule, utc(after), count)]


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        ("8 2 * * *", "2026-11-23T02:08", ["2026-11-24 02:08", "2026-11-25 02:08"]),
        ("8 2 * * *", "2026-11-23T02:07:59", ["2026-11-23 02:08", "2026-11-24 02:08"]),
        ("* * * * *", "2026-12-31T23:59:30", ["2027-01-01 00:00", "2027-01-01 00:01"]),
        ("*/20 9-10 * * *", "2026-11-23T10:20", ["2026-11-23 10:40", "2026-11-24 09:00"]),
        ("0 0 1,15 * *", "2026-11-23T00:00", ["2026-12-01 00:00", "2026-12-15 00:00"]),
        ("0 6 * * mon-fri", "2026-11-20T06:00", ["2026-11-23 06:00", "2026-11-24 06:00"]),
        ("0 6 * * 7", "2026-11-23T00:00", ["2026-11-29 06:00", "2026-12-06 06:00"]),
        ("0 6 * * 5-7", "2026-11-23T00:00", ["2026-11-27 06:00", "2026-11-28 06:00", "2026-11-29 06:00"]),
        ("0 0 * JAN *", "2026-11-23T00:00", ["2027-01-01 00:00", "2027-01-02 00:00"]),
        ("0 0 29 2 *", "2026-11-23T00:00", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        # both kinds of day: either one
        ("0 0 13 * 5", "2026-11-07T00:00", ["2026-11-13 00:00", "2026-11-20 00:00", "2026-11-27 00:00"]),
        # one of them begins with a star: both, here Mondays with an odd date
        ("0 0 */2 * 1", "2026-11-07T00:00", ["2026-11-09 00:00", "2026-11-23 00:00", "2026-12-07 00:00"]),
    ],
)
def test_a_crontab_comes_due(line: str, after: str, expected: list[str]) -> None:
    assert times(cron(line), after, len(expected)) == expected


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        # spring, 2026-03-29: at 01:00Z the clock goes from 02:00 to 03:00; 02:30 runs once, at 03:30
        ("30 2 * * *", "2026-03-28T00:00", ["2026-03-28 01:30", "2026-03-29 01:30", "2026-03-30 00:30"]),
        # … and a slot there already is not doubled; 03:00 comes before the shifted 02:30
        ("30 2,3 * * *", "2026-03-28T12:00", ["2026-03-29 01:30", "2026-03-30 00:30", "2026-03-30 01:30"]),
        ("0,30 2-3 * * *", "2026-03-28T12:00", ["2026-03-29 01:00", "2026-03-29 01:30", "2026-03-30 00:00"]),
        # autumn, 2026-10-25: at 01:00Z the clock goes from 03:00 back to 02:00; 02:30 runs the first time only
        ("30 2 * * *", "2026-10-24T12:00", ["2026-10-25 00:30", "2026-10-26 01:30"]),
        ("30 2 * * *", "2026-10-25T00:30", ["2026-10-26 01:30"]),
        # hour * counts real hours: none is left out, none doubled, in UTC no gap
        ("5 * * * *", "2026-03-29T00:00", ["2026-03-29 00:05", "2026-03-29 01:05", "2026-03-29 02:05"]),
        ("5 * * * *", "2026-10-24T23:10", ["2026-10-25 00:05", "2026-10-25 01:05", "2026-10-25 02:05"]),
        ("*/30 * * * *", "2026-10-25T00:30", ["2026-10-25 01:00", "2026-10-25 01:30", "2026-10-25 02:00"]),
        # a midnight in Berlin is 22:00 or 23:00 in UTC
        ("0 0 * * 1", "2026-10-18T00:00", ["2026-10-18 22:00", "2026-10-25 23:00"]),
    ],
)
def test_clock_changes_neither_double_nor_lose_a_run(line: str, after: str, expected: list[str]) -> None:
    assert times(cron(line, "Europe/Berlin"), after, len(expected)) == expected


def test_half_an_hours_shift_is_handled_too() -> None:
    # Lord Howe, 2026-10-03T15:30Z: from 02:00 to 02:30
    lord_howe = "Australia/Lord_Howe"
    assert times(cron("15 2 * * *", lord_howe), "2026-10-03T12:00", 2) == ["2026-10-03 15:45", "2026-10-04 15:15"]
    assert times(cron("15 * * * *", lord_howe), "2026-10-03T14:00", 2) == ["2026-10-03 14:45", "2026-10-03 16:15"]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-11-23T00:00", "2026-11-23T00:05"),
        ("2026-11-23T00:04:59", "2026-11-23T00:05"),
        ("2026-11-23T00:05", "2026-11-23T00:20"),
        ("2026-11-22T00:00", "2026-11-23T00:05"),
        ("2027-11-23T00:05:01", "2027-11-23T00:20"),
    ],
)
def test_an_interval_is_counted_from_its_start(after: str, expected: str) -> None:
    assert next_due(Interval(900, utc("2026-11-23T00:05")), utc(after)) == utc(expected)


def test_a_clocked_rule_comes_due_once() -> None:
    rule = Clocked(datetime(2026, 11, 23, 3, 30, tzinfo=BERLIN))
    assert times(rule, "2026-11-23T02:29") == ["2026-11-23 02:30"]
    assert times(rule, "2026-11-23T02:30") == []


@pytest.mark.parametrize(
    ("rule", "last", "now", "catch_up", "expected"),
    [
        # in time
        (cron("0 * * * *"), "2026-11-23T02:00", "2026-11-23T03:00:01", "none", ("2026-11-23T03:00", True)),
        (cron("0 * * * *"), "2026-11-23T03:00", "2026-11-23T03:59:59", "latest", None),
        # beat was down six hours: one run, for the latest slot
        (cron("0 * * * *"), "2026-11-22T21:00", "2026-11-23T03:10", "latest", ("2026-11-23T03:00", True)),
        (cron("0 * * * *"), "2026-11-22T21:00", "2026-11-23T03:10", "none", ("2026-11-23T03:00", False)),
        (cron("0 * * * *"), "2026-11-22T21:00", "2026-11-23T03:05", "none", ("2026-11-23T03:00", True)),
        # the very moment counts; the last slot itself does not come again
        (cron("0 3 * * *"), "2026-11-22T03:00", "2026-11-23T03:00", "none", ("2026-11-23T03:00", True)),
        (cron("0 3 * * *"), "2026-11-23T03:00", "2026-11-23T03:00", "latest", None),
        # the clock was set back
        (cron("0 * * * *"), "2026-11-23T03:00", "2026-11-23T02:00:01", "latest", None),
        (
            Interval(60, utc("2026-11-01T00:00:10")),
            "2026-11-20T00:00",
            "2026-11-23T03:10:09",
            "latest",
            ("2026-11-23T03:09:10", True),
        ),
        (
            Clocked(utc("2026-11-20T00:00")),
            "2026-11-01T00:00",
            "2026-11-23T00:00",
            "latest",
            ("2026-11-20T00:00", True),
        ),
        (Clocked(utc("2026-11-20T00:00")), "2026-11-01T00:00", "2026-11-23T00:00", "none", ("2026-11-20T00:00", False)),
        (cron("0 0 31 2 *"), "2026-11-01T00:00", "2026-11-23T00:00", "latest", None),
    ],
)
def test_at_most_one_slot_is_due(
    rule: Rule, last: str, now: str, catch_up: CatchUp, expected: tuple[str, bool] | None
) -> None:
    assert due_now(rule, utc(last), utc(now), catch_up) == (Due(utc(expected[0]), expected[1]) if expected else None)


def test_a_long_absence_is_caught_up_quickly() -> None:
    started = time.process_time()
    for line in ("* * * * *", "* 0-22 * * *", "*/7 3 * * 1-5"):
        due = due_now(cron(line, "Europe/Berlin"), utc("2021-01-01T00:00"), utc("2026-11-23T03:10:30"), "latest")
        assert due is not None
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "rule",
    [
        cron("7,37 */3 * * *", "Europe/Berlin"),
        cron("30 2 * * *", "America/Chicago"),
        cron("15 * * * *", "Australia/Lord_Howe"),
        cron("0,30 1-3 * * 0", "Europe/Berlin"),
        Interval(1_800, utc("2026-01-01T00:00:07")),
    ],
)
@settings(max_examples=40, deadline=None)
@given(start=st.integers(0, 365 * 1_440), steps=st.lists(st.integers(1, 3_000), min_size=1, max_size=25))
def test_looking_at_any_moments_runs_every_last_slot_once(rule: Rule, start: int, steps: list[int]) -> None:
    """However the looks fall, slots come in order, none twice, and none before a look is left out for an older one."""
    now = utc("2026-01-01T00:00") + timedelta(minutes=start)
    last = now
    for step in steps:
        now += timedelta(minutes=step)
        slots: list[datetime] = []
        while (slot := next_due(rule, slots[-1] if slots else last)) is not None and slot <= now:
            slots.append(slot)
        assert slots == sorted(set(slots))
        due = due_now(rule, last, now, "latest")
        assert (due.at if due else None) == (slots[-1] if slots else None)
        assert latest_due(rule, last, now) == (due.at if due else None)
        last = due.at if due else last


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("* * * *", "a crontab has five fields (minute hour day-of-month month day-of-week), not 4"),
        ("", "a crontab has five fields (minute hour day-of-month month day-of-week), not 0"),
        ("0 0 * * * *", "a crontab has five fields (minute hour day-of-month month day-of-week), not 6"),
        ("61 * * * *", "minute: '61' is outside 0 to 59"),
        ("* 24 * * *", "hour: '24' is outside 0 to 23"),
        ("* * 0 * *", "day of month: '0' is outside 1 to 31"),
        ("* * * 13 *", "month: '13' is outside 1 to 12"),
        ("* * * * 8", "day of week: '8' is outside 0 to 7"),
        ("*/0 * * * *", "minute: the step in '*/0' must be at least 1"),
        ("5/15 * * * *", "minute: a step needs a range before it, as in */5 or 0-59/5"),
        ("30-10 * * * *", "minute: the range '30-10' runs backwards"),
        ("a * * * *", "minute: 'a' is not understood; write e.g. *, */5, 1-5 or 1,15"),
        ("1, * * * *", "minute: '' is not understood; write e.g. *, */5, 1-5 or 1,15"),
        ("-1 * * * *", "minute: '-1' is not understood; write e.g. *, */5, 1-5 or 1,15"),
        ("1.5 * * * *", "minute: '1.5' is not understood; write e.g. *, */5, 1-5 or 1,15"),
        ("* * * foo *", "month: 'foo' is not understood; write e.g. *, */5, 1-5 or 1,15"),
        ("@daily", "names such as @daily are not known; write five fields, e.g. 0 0 * * *"),
        ("@reboot", "names such as @reboot are not known; write five fields, e.g. 8 2 * * *"),
        ("1," * 50_000 + "1 * * * *", "a crontab has five fields (minute hour day-of-month month day-of-week), not 1"),
        ("1," * 200 + "1 * * * *", "minute: write 1 to 240 characters, * for every"),
    ],
)
def test_a_broken_crontab_is_refused_in_words(line: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        cron(line)
    assert str(caught.value) == problem


@pytest.mark.parametrize("zone", ["Mars/Base", "EST5EDT4", "", "../etc/passwd", "America", "Europe/Berlin\x00"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match=r"there is no time zone .*; write one such as Europe/Berlin or UTC"):
        cron("* * * * *", zone)


@pytest.mark.parametrize("seconds", [0, -5, 10**12])
def test_an_impossible_interval_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match=r"an interval must be 1 to 315,360,000 seconds \(ten years\)"):
        Interval(seconds, utc("2026-11-23T00:00"))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        next_due(cron("* * * * *"), datetime(2026, 11, 23))  # noqa: DTZ001
    with pytest.raises(ValueError, match="needs a zone"):
        Clocked(datetime(2026, 11, 23))  # noqa: DTZ001


def test_a_schedule_that_never_runs_is_warned_about() -> None:
    now = utc("2026-11-23T00:00")
    assert rule_warnings(cron("0 0 31 2 *"), now) == [
        "No such day comes in the next 40 years, so the schedule will never run."
    ]
    assert rule_warnings(Clocked(utc("2026-11-22T00:00")), now) == [
        "This time has passed, so the schedule will not run."
    ]
    assert rule_warnings(cron("0 0 29 2 *"), now) == []
    assert rule_warnings(Interval(60, now), now) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (cron("8 2 * * *", "Europe/Berlin"), "Every day at 02:08 Europe/Berlin"),
        (cron("0 6,18 * * *"), "Every day at 06:00 and 18:00 UTC"),
        (cron("0 6 * * 1-5"), "Every Monday to Friday at 06:00 UTC"),
        (cron("0 6 * * 1,4"), "Every Monday and Thursday at 06:00 UTC"),
        (cron("30 3 * * sun"), "Every Sunday at 03:30 UTC"),
        (cron("0 0 1,15 * *"), "On day 1 and 15 at 00:00 UTC"),
        (cron("0 0 13 * 5"), "On day 13 or every Friday at 00:00 UTC"),
        (
            cron("0 0 */2 * 1"),
            "Every Monday that falls on day 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29 and 31 at 00:00 UTC",
        ),
        (cron("0 0 1 1 *"), "On day 1 of January at 00:00 UTC"),
        (cron("0 0 1-31 * 1"), "Every day at 00:00 UTC"),
        (cron("0 12 * 6-8 *"), "Every day of June, July and August at 12:00 UTC"),
        (cron("*/5 * * * *"), "Every 5 minutes UTC"),
        (cron("*/7 * * * *"), "Every hour at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 UTC"),
        (cron("* * * * *"), "Every minute UTC"),
        (cron("5 * * * *"), "Every hour at minute 5 UTC"),
        (cron("0 * * * 1-5"), "Every Monday to Friday every hour UTC"),
        (cron("*/15 9-17 * * *"), "Every 15 minutes, in the hours 9-17 UTC"),
        (cron("*/30 */6 * * *"), "Every 30 minutes, every 6 hours UTC"),
        (Interval(60, utc("2026-11-23T00:00")), "Every minute"),
        (Interval(5_400, utc("2026-11-23T00:00")), "Every 90 minutes"),
        (Interval(86_400, utc("2026-11-23T00:00")), "Every day"),
        (Clocked(datetime(2026, 11, 23, 3, 30, tzinfo=BERLIN)), "Once on 2026-11-23 at 03:30 CET"),
    ],
)
def test_people_read_a_rule_in_words(rule: Rule, words: str) -> None:
    assert describe(rule) == words


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "America/Santiago")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("line", ["*/20 * * * *", "7 * * * 0,6"])
def test_hourly_rules_agree_with_looking_at_every_minute(line: str, zone: str) -> None:
    """The reference walks through the minutes of the days on which clocks change in 2026, in real time."""
    rule, info = cron(line, zone), ZoneInfo(zone)
    for first_day in ("2026-03-07", "2026-03-28", "2026-04-04", "2026-09-05", "2026-10-03", "2026-10-24", "2026-10-31"):
        start = utc(first_day)
        every_minute = [start + timedelta(minutes=number) for number in range(1, 2 * 1_440)]
        walls = [(moment, moment.astimezone(info)) for moment in every_minute]
        expected = [moment for moment, wall in walls if wall.minute in rule.numbers("minute") and rule.has_day(wall)]
        assert next_times(rule, start, len(expected)) == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize("line", ["30 2 * * *", "*/20 1-3 * * *", "15 * * * *"])
@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24", "2026-10-03", "2026-04-04"])
def test_the_times_of_a_day_are_those_that_follow_each_other(line: str, zone: str, day: str) -> None:
    rule = Crontab.from_line(line, zone)
    after = datetime.fromisoformat(f"{day}T12:00+00:00")
    until = after + timedelta(hours=24)
    one_by_one = [moment for moment in next_times(rule, after, 30) if moment <= until]
    assert times_between(rule, after, until, 30) == one_by_one


def test_the_times_of_intervals_and_of_single_times_end_where_they_should() -> None:
    start = datetime(2026, 11, 23, 12, tzinfo=UTC)
    hourly = Interval(3600, start)
    assert times_between(hourly, start, start + timedelta(hours=2), 9) == [start + timedelta(hours=n) for n in (1, 2)]
    assert len(times_between(hourly, start, start + timedelta(days=9), 9)) == 9
    assert times_between(Clocked(start), start - timedelta(hours=1), start, 9) == [start]
    assert times_between(Clocked(start), start, start + timedelta(hours=1), 9) == []
