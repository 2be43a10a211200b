"""What Celery is told: wake-ups only, and no door or dispatcher waits long for a broker that does not answer."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import LazySettings
from kombu.exceptions import ContentDisallowed, OperationalError
from kombu.serialization import prepare_accept_content, register_pickle

from config import celery_app
from syncjobs.supervision.broker import socket_path
from tests.conftest import Broker
from tests.isolation import CHECKOUT


@pytest.fixture
def silent_broker(settings: LazySettings) -> Iterator[Path]:
    """Something that accepts connections where the broker should be, and never answers."""
    path = socket_path(settings.SYNCDECK_DATA_DIR)
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(path))
        listener.listen(16)
        yield path
    shutil.rmtree(path.parent)


def send(queue: str = "default", **options: str) -> None:
    """Publish a wake-up on a connection of its own."""
    with celery_app.connection_for_write() as connection:
        celery_app.send_task(
            "syncjobs.run_sync_job", args=[7, "x"], queue=queue, retry=False, connection=connection, **options
        )


def seconds_until_it_fails() -> float:
    """Return how long publishing takes to give up."""
    began = time.monotonic()
    with pytest.raises(OperationalError):
        send()
    return time.monotonic() - began


def test_publishing_without_a_broker_gives_up_at_once() -> None:
    assert seconds_until_it_fails() < 4


def test_publishing_to_a_broker_that_never_answers_gives_up_within_its_time_limit(silent_broker: Path) -> None:
    assert seconds_until_it_fails() < 5


def test_message_is_json_on_the_queue_that_was_asked_for(broker: Broker) -> None:
    send(queue="long")
    with celery_app.connection_for_read() as connection:
        message = connection.default_channel.basic_get("long", no_ack=True)
    assert message.content_type == "application/json"
    assert message.decode()[0] == [7, "x"]


def test_pickled_message_is_refused_unread(broker: Broker) -> None:
    register_pickle()  # type: ignore[no-untyped-call]
    send(serializer="pickle")
    with celery_app.connection_for_read() as connection:
        message = connection.default_channel.basic_get("default", no_ack=True)
        # As a worker's consumer does.
        message.accept = prepare_accept_content(celery_app.conf.accept_content)  # type: ignore[no-untyped-call]
        with pytest.raises(ContentDisallowed, match="pickle"):
            message.decode()


def test_worker_keeps_its_database_connection_between_tasks() -> None:
    assert celery_app.conf.get("CELERY_DB_REUSE_MAX") == 1000


def test_worker_loads_no_portal_and_nothing_that_only_some_connectors_or_shells_need() -> None:
    code = "import sys, config.__main__ as programs; programs.app.loader.import_default_modules(); "
    code += "import celery.apps.worker, celery.concurrency.prefork; print(*sys.modules)"
    without_apps = os.environ | {"SYNCDECK_APPS": ""}
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=CHECKOUT, env=without_apps, check=True, capture_output=True, text=True)
    loaded = set(answer.stdout.split())
    assert "syncjobs.tasks" in loaded
    assert not loaded & {
        "syncjobs.portal",
        "syncjobs.api",
        "rest_framework.views",
        "config.urls",
        "requests",
        "pyarrow",
        "prompt_toolkit",
        "yaml",
        "celery.bin",
    }
