"""`manage.py doctor`: each thing that is wrong is named, with what mends it, and nothing is wrong where nothing is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from connectors.models import Connector
from syncjobs.management.commands.doctor import examine
from syncjobs.models import JobEvent, Schedule
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Crontab, Interval
from tests.commands.conftest import Ask, House
from tests.connectors.test_secrets import CANARY, make_connector, make_key
from tests.lifecycle.factories import JobFactory, JobTypeFactory, see_worker

NOW = timezone.now()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    running = House(tmp_path_factory.mktemp("clinic") / "data")
    try:
        yield running
    finally:
        running.stop()


def test_a_whole_stack_is_examined_before_and_after_it_starts(stack: House) -> None:
    said = stack.ask("doctor")
    assert said.returncode == 1
    for told in (
        "PROBLEM broker: the socket in the data directory does not answer",
        "PROBLEM dispatcher: none is heard",
        "PROBLEM workers: nobody listens to the queues default, long, short",
        "ok      database: SQLite answers",
        "ok      books:",
    ):
        assert told in said.stdout
    assert said.stderr.strip() == "CommandError: 3 things are wrong."
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker()
    stack.wait_for_worker()
    said = stack.ask("doctor", "--json")
    found = json.loads(said.stdout)
    assert [finding for finding in found["findings"] if finding["level"] == "problem"] == []
    assert (said.returncode, found["ok"]) == (0, True)


def test_a_database_without_tables_is_told_to_migrate(stack: House, tmp_path: Path) -> None:
    said = stack.ask("doctor", SYNCDECK_DATA_DIR=str(tmp_path))
    assert said.returncode == 1
    assert "migrations are missing\n        Run: manage.py migrate" in said.stdout
    assert "Traceback" not in said.stderr


def find(part: str) -> list[str]:
    return [f"{finding.level}: {finding.message} | {finding.fix}" for finding in examine() if finding.part == part]


@pytest.mark.django_db
def test_credentials_and_connectors_that_cannot_work_are_named(settings: LazySettings) -> None:
    old, new = make_key(), make_key()
    settings.SYNCDECK_SECRET_KEYS = [old]
    make_connector("older")
    settings.SYNCDECK_SECRET_KEYS = [make_key()]
    make_connector("lost")
    settings.SYNCDECK_SECRET_KEYS = [new, old]
    Connector.objects.filter(slug="older").update(last_test_ok=False, last_test_message="credentials refused (401)")
    told = find("credentials")
    assert [line.partition(":")[0] for line in told] == ["problem", "warning"]
    assert "connector lost: the stored credentials were encrypted with a key that" in told[0]
    assert told[1] == "warning: 1 of them need an older key | Run: manage.py rotate_keys"
    lost, older = find("connectors")
    assert lost.startswith("problem: lost: the stored credentials were encrypted with a key that")
    assert older == "problem: older does not work: credentials refused (401) | Run: manage.py connector test older"
    assert CANARY not in str(list(examine()))


@pytest.mark.django_db
def test_types_schedules_and_books_that_are_wrong_are_named() -> None:
    job_type = JobTypeFactory.create(slug="items", queue="nowhere")
    never = save_schedule(job_type=job_type, name="never", rule=Crontab("0", "0", "31", "2"), actor="tests")
    stopped = save_schedule(job_type=job_type, name="stopped", rule=Interval(60, NOW), actor="tests")
    Schedule.objects.filter(pk=stopped.pk).update(paused_reason="five runs failed")
    JobFactory.create(job_type=job_type, status="finished")
    (told,) = find("job types")
    assert told.startswith("problem: items: ")
    assert "There is no queue 'nowhere'" in told
    assert [line.partition("|")[0] for line in find("schedules")][1:] == [
        "problem: 'stopped' has paused itself: five runs failed "
    ]
    assert find("schedules")[0].startswith(f"warning: '{never}': ")
    assert find("books")[0].startswith("problem: they do not agree in ")
    assert JobEvent.objects.count() == 0


@pytest.mark.django_db
def test_queues_that_nobody_serves_and_mixed_releases_are_named() -> None:
    see_worker("default", "short", name="a", version="1.0")
    see_worker("default", name="b", version="2.0")
    JobFactory.create(queue="long")
    assert find("workers") == [
        "problem: nobody listens to the queues long, where 1 jobs wait | Run: python -m config worker --queues long",
        "ok: 2 at work, 4 jobs at once | ",
        "warning: workers of different releases are at work: 1.0, 2.0 | Restart the older ones when they are done.",
    ]


@pytest.mark.django_db
def test_folders_and_keys_that_are_wrong_are_named(settings: LazySettings, tmp_path: Path) -> None:
    settings.SYNCDECK_DATA_DIR, settings.LOG_DIR = tmp_path, tmp_path / "nowhere"
    settings.SYNCDECK_SECRET_KEYS = []
    key = tmp_path / "secret.key"
    key.touch(mode=0o644)
    key.chmod(0o644)
    assert find("log directory")[0].startswith(f"problem: {tmp_path / 'nowhere'} is not there | Make it")
    missing, open_to_all = find("keys")
    assert missing.startswith("problem: credentials cannot be read or stored: SYNCDECK_SECRET_KEYS lists no usable key")
    assert open_to_all == f"problem: {key} can be read by others | Run: chmod 600 {key}"


def test_the_broker_is_asked_for_seconds_only_and_its_password_stays_hidden(db: None, settings: LazySettings) -> None:
    settings.CELERY_BROKER_URL = f"redis://:{CANARY}@127.0.0.1:1/0"
    settings.EMBEDDED_BROKER = False
    (told,) = find("broker")
    assert told.startswith("problem: 127.0.0.1 does not answer: ")
    assert told.endswith("| Start it, or mend CELERY_BROKER_URL.")
    assert CANARY not in told


def test_a_beat_is_missed_only_where_there_are_schedules(ask: Ask) -> None:
    assert "beat" not in ask("doctor").output
    save_schedule(job_type=JobTypeFactory.create(), name="n", rule=Interval(60, NOW + timedelta(1)), actor="tests")
    assert "PROBLEM beat: none is heard, so no schedule starts anything" in ask("doctor").output
