"""Dispatcher and beat say that they are there, how they find the broker, and when they go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from syncjobs import dispatch
from syncjobs.models import ProgramSeen
from syncjobs.programs_seen import ProgramReport, own_version
from syncjobs.triggers.beat import JobScheduler
from tests.conftest import Broker
from tests.lifecycle.factories import JobFactory, see_worker
from tests.schedules.conftest import make_beat

pytestmark = pytest.mark.django_db(transaction=True)
ROLE = ProgramSeen.Role.DISPATCHER


def test_a_dispatcher_tells_how_it_last_found_the_broker(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_dispatcher", dispatch.Dispatcher())
    monkeypatch.setattr(dispatch, "_report", ProgramReport(ROLE))
    see_worker(slots=9)
    now = timezone.now()
    dispatch.report(now)
    assert ProgramSeen.objects.get().broker_ok is None, "nothing was sent yet"

    JobFactory.create()
    now += timedelta(seconds=11)
    assert dispatch.tick(now) == 1
    dispatch.report(now)
    assert ProgramSeen.objects.get().broker_ok is True

    broker.stop()
    JobFactory.create()
    now += timedelta(seconds=11)
    assert dispatch.tick(now) == 0
    dispatch.report(now)
    seen = ProgramSeen.objects.get()
    assert (seen.broker_ok, seen.broker_seen_at) == (False, now)
    assert seen.broker_message

    dispatch.leave()
    assert not ProgramSeen.objects.exists()


def test_a_beat_says_that_it_is_there_until_it_is_closed() -> None:
    beat: JobScheduler = make_beat()
    beat.tick()
    seen = ProgramSeen.objects.get()
    assert (seen.role, seen.version, seen.broker_ok) == ("beat", own_version(), None)
    beat.close()
    assert not ProgramSeen.objects.exists()


def test_a_program_reports_every_ten_seconds_and_takes_the_place_of_one_that_was_killed() -> None:
    now = timezone.now()
    killed = ProgramReport(ROLE)
    killed.report(now)
    ProgramSeen.objects.update(name="here:1")
    successor = ProgramReport(ROLE)
    assert successor.report(now + timedelta(seconds=50))
    assert ProgramSeen.objects.exclude(name="here:1").count() == ProgramSeen.objects.count() == 1
    assert not successor.report(now + timedelta(seconds=59))
    assert successor.report(now + timedelta(seconds=60))
    assert ProgramSeen.objects.get().started_at == now + timedelta(seconds=50)
