"""Workers and queues: who is alive, what each does, why jobs wait, and clear words where nothing sends or runs."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from syncjobs.models import ProgramSeen, Schedule, SyncJob, WorkerSeen
from syncjobs.statuses import Status
from tests.lifecycle.factories import see_worker
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff

PAGE = "/admin/workers/"


def see_program(role: str, silent_for: int = 0, **values: object) -> None:
    seen_at = timezone.now() - timedelta(seconds=silent_for)
    known = {"name": "here:7", "host": "here", "version": "1.2", "started_at": seen_at, "last_seen_at": seen_at}
    ProgramSeen.objects.create(role=role, **(known | values))


def text_of(client: Client) -> str:
    return " ".join(client.get(PAGE).content.decode().partition('id="content-start"')[2].split())


def verdict(text: str, name: str) -> tuple[str, str]:
    """The colour of a part of the machinery, and what is said of it."""
    (kind, said), *_ = re.findall(rf'<section class="card verdict (\w+)"> <header><h2>{name}</h2>(.*?)</section>', text)
    return kind, re.sub("<[^>]+>", " ", said)


def test_where_nothing_runs_the_page_says_what_to_start(portal: Client, schedule: Schedule) -> None:
    text = text_of(portal)
    for name, command in (
        ("Dispatcher", "python manage.py dispatcher"),
        ("Beat", "python -m config beat"),
        ("Workers", "python -m config worker --queues short,default,long"),
    ):
        kind, said = verdict(text, name)
        assert kind == "bad", name
        assert command in said
    assert verdict(text, "Broker")[0] == "quiet"
    assert "No worker has reported" in text
    assert '<span class="count bad">none</span>' in portal.get(PAGE).content.decode(), "the menu says so on every page"


def test_the_menu_says_on_every_page_that_nothing_is_sent(portal: Client) -> None:
    see_worker("default")
    told = '<span class="count bad">no dispatcher</span>'
    assert told in portal.get("/admin/").content.decode()
    see_program("dispatcher")
    assert told not in portal.get("/admin/").content.decode()


def test_a_beat_is_not_missed_where_no_schedule_is_on(portal: Client) -> None:
    assert verdict(text_of(portal), "Beat")[0] == "quiet"


def test_what_is_at_work_is_named_with_host_and_version(portal: Client, schedule: Schedule) -> None:
    see_program("dispatcher", broker_ok=True, broker_seen_at=timezone.now() - timedelta(minutes=3))
    see_program("beat")
    see_worker("default", host="here")
    text = text_of(portal)
    assert [verdict(text, name)[0] for name in ("Dispatcher", "Beat", "Broker", "Workers")] == ["ok"] * 4
    assert "on here (1.2)" in verdict(text, "Dispatcher")[1]
    assert "It took the last wake-up 3 min ago." in verdict(text, "Broker")[1]


def test_one_that_fell_silent_is_told_with_the_time(portal: Client) -> None:
    see_program("dispatcher", silent_for=300)
    see_worker("default", name="old@here", last_seen_at=timezone.now() - timedelta(minutes=4))
    text = text_of(portal)
    assert "last heard 5 min ago" in verdict(text, "Dispatcher")[1]
    assert "last heard 4 min ago" in verdict(text, "Workers")[1]
    assert '<span class="pill bad">Silent</span>' in text


def test_a_broker_that_does_not_answer_is_told_as_the_dispatcher_found_it(portal: Client) -> None:
    see_program("dispatcher", broker_ok=False, broker_seen_at=timezone.now(), broker_message=f"refused {ATTACK}")
    kind, said = verdict(text_of(portal), "Broker")
    assert kind == "bad"
    assert "refused &lt;script" in said
    assert "within 10 seconds of its return" in said


def test_each_worker_shows_its_jobs_and_the_others_stand_apart(portal: Client, make_job: MakeJob) -> None:
    see_worker("default", name="first@here", host="here", processes=[11, 12])
    see_worker("long", name="second@here", host="here", processes=[21])
    job = make_job(Status.STARTED, lease_owner="here:12", phase="writing", counts={"read": 4_200})
    alone = make_job(Status.STARTED, lease_owner="here:99 (inline)")
    rows = text_of(portal).split("<tr>")
    (first,) = (row for row in rows if "first@here" in row)
    (second,) = (row for row in rows if "second@here" in row)
    assert f">#{job.pk}</a>" in first
    assert "writing, 4,200 read" in first
    assert "1 slot free" in first
    assert "nothing" in second
    assert f"#{alone.pk}</a>" in text_of(portal).partition("Running elsewhere")[2]


def test_queues_tell_how_many_wait_since_when_and_why(portal: Client, make_job: MakeJob) -> None:
    see_worker("default")
    long_ago = timezone.now() - timedelta(hours=2)
    make_job(Status.QUEUED, created_at=long_ago, wait_reason="waits in queue 'default', whose 2 slots are busy")
    make_job(Status.QUEUED, wait_reason="waits in queue 'default', whose 2 slots are busy")
    make_job(Status.QUEUED, dispatch_id=uuid.uuid4(), sent_at=long_ago)
    make_job(Status.QUEUED, queue="long", wait_reason="no worker listens on queue 'long'")
    make_job(Status.STARTED)
    text = text_of(portal)
    default, *_ = re.findall(r'<td class="mono">default</td>(.*?)</tr>', text)
    assert re.findall(r'<td class="n">([\d,]+)</td>', default) == ["2", "2", "1", "1"]
    assert ">2 h ago</time>" in default
    assert "2 jobs: waits in queue &#x27;default&#x27;, whose 2 slots are busy" in default
    (stuck,) = re.findall(r'<td class="mono">long</td>(.*?)</tr>', text)
    assert '<span class="pill bad">nobody listens</span>' in stuck
    kind, said = verdict(text, "Workers")
    assert kind == "warn"
    assert "Jobs wait in long, to which no worker listens." in said


def test_the_page_follows_what_happens(portal: Client) -> None:
    region = {"HX-Request": "true", "HX-Target": "workers"}
    first = portal.get(PAGE, headers=region).content.decode()
    assert 'hx-trigger="every 2s"' in first
    see_worker("default", name="newcomer@here")
    assert "newcomer@here" in portal.get(PAGE, headers=region).content.decode()


def test_who_sees_jobs_or_workers_may_look_and_nobody_else(make_staff: MakeStaff, make_job: MakeJob) -> None:
    see_worker("default", host="here", processes=[12])
    make_job(Status.STARTED, lease_owner="here:12", title="a telling title")
    assert "a telling title" in text_of(make_staff("view_syncjob"))
    assert "a telling title" not in text_of(make_staff("view_workerseen"))
    assert make_staff("view_connector").get(PAGE).status_code == 403


@pytest.mark.parametrize("number", [1, 40])
def test_the_page_takes_as_few_queries_for_many(
    portal: Client, make_job: MakeJob, number: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for place in range(number):
        see_worker("default", name=f"w{place}@here", host="here", processes=[place])
        make_job(Status.STARTED, lease_owner=f"here:{place}")
        make_job(Status.QUEUED, wait_reason=f"waits for job #{place}")
    assert SyncJob.objects.count() == 2 * number == 2 * WorkerSeen.objects.count()
    with django_assert_max_num_queries(20):
        portal.get(PAGE)
