"""`manage.py sync` as a person or a script meets it: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from tests.commands.conftest import AIRPORTS, House

pytestmark = pytest.mark.slow

SHAPE = [
    *(
        "id",
        "title",
        "job_type",
        "status",
        "phase",
        "next_step",
        "operation",
        "dry_run",
        "trigger_type",
        "attempt",
        "retry_count",
    ),
    *("max_retries", "retry_after", "queue", "timeout", "source_document_type", "source_document_name"),
    *("target_document_type", "target_document_name", "context", "counts", "nulled", "stripped", "reconnects"),
    *("bytes_read", "records_per_second"),
    *("bytes_per_second", "idle_time_ms", "emit_event_time_ms", "created_at", "started_at", "ended_at", "time_taken"),
    *("failure", "error_message", "wait_reason", "parent", "children_summary", "diff_summary", "allowed_actions"),
]
NEWEST = "from syncjobs.models import SyncJob\nanswer = SyncJob.objects.order_by('-id').values('pk', 'status').first()"
SNAPSHOTS = """
from syncjobs.models import SyncJob
answer = SyncJob.objects.get(pk={pk}).config_snapshot["config"]["streams"]
"""
LEASES = "from syncjobs.models import SyncJob\nanswer = SyncJob.objects.exclude(lease_owner='').count()"
PAUSE = """
from django.utils import timezone
from syncjobs.models import SyncJobType
SyncJobType.objects.filter(slug="last_30_days_people").update(paused_at={moment})
answer = True
"""


@pytest.fixture(autouse=True)
def sound_source(source: RunningSandbox) -> Iterator[None]:
    yield
    source.clear_faults()


def wait_for_newest(house: House, status: str) -> dict[str, Any]:
    """The newest job as soon as it has this status."""
    give_up = time.monotonic() + 30
    while (newest := house.python(NEWEST)) is None or newest["status"] != status:
        assert time.monotonic() < give_up
        time.sleep(0.2)
    found: dict[str, Any] = newest
    return found


def test_inline_run_prints_one_object_of_the_public_shape(house: House) -> None:
    done = house.ask("sync", "run", "airports", "--inline", "--json")
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert list(job) == SHAPE
    assert (job["status"], job["trigger_type"], job["counts"]["read"]) == ("finished", "cli", AIRPORTS)
    assert "\r" not in done.stderr
    again = json.loads(house.ask("sync", "run", "airports", "--inline", "--json").stdout)
    assert (again["counts"]["unchanged"], again["diff_summary"]) == (AIRPORTS, {})


def test_inline_run_for_people_says_how_it_ended_in_one_line(house: House) -> None:
    done = house.ask("sync", "run", "airports", "--inline", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert "Planned in" in done.stdout
    assert f"{AIRPORTS} read" in done.stdout


def test_run_without_waiting_leaves_a_queued_job_and_says_where_to_look(house: House) -> None:
    done = house.ask("sync", "run", "airports", "--context", '{"reason": "trial"}')
    newest = house.python(NEWEST)
    assert done.returncode == 0, done.stderr
    assert f"Job #{newest['pk']}" in done.stdout
    assert f"manage.py sync show {newest['pk']}" in done.stdout
    job = house.job(newest["pk"])
    assert (job["status"], job["context"]) == ("queued", {"reason": "trial"})
    canceled = json.loads(house.ask("sync", "cancel", str(newest["pk"]), "--reason", "no need", "--json").stdout)
    assert canceled["status"] == "canceled"


def test_a_conflict_says_what_is_allowed_instead(house: House) -> None:
    job = json.loads(house.ask("sync", "run", "airports", "--inline", "--json").stdout)
    done = house.ask("sync", "cancel", str(job["id"]))
    assert done.returncode == 3
    assert "finished" in done.stderr
    house.python(PAUSE.format(moment="timezone.now()"))
    paused = house.ask("sync", "run", "last_30_days_people", "--inline")
    house.python(PAUSE.format(moment="None"))
    assert paused.returncode == 3
    assert "is paused; resume it first" in paused.stderr


def test_a_failed_job_gives_exit_code_1_its_object_and_the_way_out(house: House, source: RunningSandbox) -> None:
    source.set_faults(Fault("html"))
    done = house.ask("sync", "run", "airports", "--inline", "--json")
    assert done.returncode == 1
    job = json.loads(done.stdout)
    assert (job["status"], job["failure"]["class"]) == ("failed", "config")
    assert job["failure"]["message"] in done.stderr
    assert "Traceback" not in done.stderr
    source.clear_faults()
    retried = house.ask("sync", "retry", str(job["id"]))
    assert (retried.returncode, retried.stdout) == (0, f"Job #{job['id']} is queued again.\n")
    shown = house.ask("sync", "show", str(job["id"])).stdout
    assert "Status:   Queued" in shown
    assert "retried by" in shown
    house.ask("sync", "cancel", str(job["id"]))


def test_ctrl_c_cancels_an_inline_run_and_leaves_no_lease(house: House, source: RunningSandbox) -> None:
    source.set_faults(Fault("slow", seconds=30.0, dataset="airports", on="rows"))
    running = house.begin("sync", "run", "airports", "--inline", "--json")
    wait_for_newest(house, "started")
    running.send_signal(signal.SIGINT)
    output, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    job = json.loads(output)
    assert job["status"] == "canceled"
    assert "Traceback" not in errors
    assert house.python(LEASES) == 0


def test_ctrl_c_while_waiting_ends_the_waiting_only(house: House) -> None:
    waiting = house.begin("sync", "run", "airports", "--wait")
    newest = wait_for_newest(house, "queued")
    time.sleep(0.5)
    waiting.send_signal(signal.SIGINT)
    output, errors = waiting.communicate(timeout=60)
    assert (waiting.returncode, output) == (130, "")
    assert f"Job #{newest['pk']} goes on without this command" in errors
    assert "Traceback" not in errors
    assert house.job(newest["pk"])["status"] == "queued"
    house.ask("sync", "cancel", str(newest["pk"]))


def test_wait_ends_when_the_job_does_and_warns_while_it_rests(house: House) -> None:
    waiting = house.begin("sync", "run", "airports", "--wait", "--json")
    newest = str(wait_for_newest(house, "queued")["pk"])
    house.ask("sync", "pause", newest)
    assert waiting.stderr is not None
    assert waiting.stderr.readline() == (
        f"Warning: job #{newest} is paused and waits until somebody resumes or cancels it: sync show {newest}\n"
    )
    house.ask("sync", "cancel", newest)
    output, errors = waiting.communicate(timeout=60)
    assert (waiting.returncode, json.loads(output)["status"]) == (1, "canceled")
    assert "Warning" not in errors


def test_a_verb_waits_for_the_ends_of_all_its_jobs(house: House) -> None:
    over = [job_that_is_canceled(house) for _ in range(2)]
    waiting = house.begin("sync", "restart", *map(str, over), "--wait", "--json")
    newest = wait_for_newest(house, "queued")
    while newest["pk"] < over[1] + 2:  # the second one is made after the first
        newest = wait_for_newest(house, "queued")
    house.ask("sync", "cancel", str(newest["pk"] - 1), str(newest["pk"]))
    output, errors = waiting.communicate(timeout=60)
    assert waiting.returncode == 1, errors
    told = json.loads(output)
    assert [(job["id"], job["status"]) for job in told["done"]] == [
        (newest["pk"] - 1, "canceled"),
        (newest["pk"], "canceled"),
    ]
    assert told["refused"] == {}


def job_that_is_canceled(house: House) -> int:
    job = json.loads(house.ask("sync", "run", "airports", "--no-queue", "--json").stdout)
    house.ask("sync", "cancel", str(job["id"]))
    return int(job["id"])


def test_a_reader_that_has_gone_is_no_error(house: House) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    listing = house.begin("sync", "list", "--json", stdout=writer)
    os.close(writer)
    _, errors = listing.communicate(timeout=60)
    assert (listing.returncode, errors) == (0, "")


def test_a_terminal_shows_progress_and_only_its_last_line_stays(house: House, source: RunningSandbox) -> None:
    source.set_faults(Fault("slow", seconds=1.5, dataset="airports", on="rows"))
    controller, terminal = pty.openpty()
    running = house.begin("sync", "run", "airports", "--inline", stderr=terminal)
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(controller, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(controller)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert b"\r#" in shown
    assert b"records" in shown
    assert b'"level"' not in shown
    assert "Finished in" in output


def test_a_terminal_without_unicode_is_served(house: House) -> None:
    done = house.ask("sync", "run", "d\u00e9j\u00e0", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 3
    assert "There is no job type 'd\\xe9j\\xe0'" in done.stderr


def test_a_database_that_is_away_is_told_in_a_sentence(house: House) -> None:
    done = house.ask("sync", "list", DATABASE_URL="postgresql://u:secret-word@127.0.0.1:9/none")
    assert (done.returncode, done.stdout) == (1, "")
    assert "The database cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-word" not in done.stderr


def test_delta_takes_the_last_seven_days_of_all_streams(house: House) -> None:
    done = house.ask("sync", "delta", "--json", "--batch-size", "700")
    pk = json.loads(done.stdout)["id"]
    streams = house.python(SNAPSHOTS.format(pk=pk))
    first_day = (timezone.localdate() - timedelta(days=7)).isoformat()
    assert [stream["source"] for stream in streams] == ["crashes", "people", "vehicles", "fatalities"]
    assert {stream["range"]["start"] for stream in streams} == {first_day}
    assert {stream["batch_size"] for stream in streams} == {700}
    house.ask("sync", "cancel", str(pk))


def test_initial_load_brings_all_four_streams_cleaned(house: House) -> None:
    done = house.ask("sync", "initial-load", "--inline", "--json")
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert job["status"] == "relayed"
    assert job["children_summary"] | {"counts": None} == {
        "total": 4,
        "done": 4,
        "failed": 0,
        "running": 0,
        "counts": None,
    }
    assert job["children_summary"]["counts"]["inserted"] == 8
    warehouse = sqlite3.connect(house.data_dir / "warehouse.sqlite3")
    crashes = "SELECT crash_date, street_name, damage, latitude, longitude, weather_condition, num_units FROM crashes"
    (first, second) = warehouse.execute(crashes).fetchall()
    assert first == second
    assert first[0].startswith("2026-11-21")  # half past eleven at night in Chicago, in UTC
    assert first[1:] == ("LAKE SHORE DR", None, 41.6, None, None, 2)
    assert warehouse.execute("SELECT city, age, sex FROM people").fetchone() == (None, None, "X")
    assert warehouse.execute("SELECT make, vehicle_year, unit_no FROM vehicles").fetchone() == (None, None, 1)
    assert warehouse.execute("SELECT victim, latitude, longitude FROM fatalities").fetchone() == (None, None, -87.5)
    warehouse.close()


def test_initial_load_is_limited_to_the_streams_and_days_given(house: House) -> None:
    options = ["--endpoints", "crashes", "people", "--start-date", "2026-11-22", "--json", "--inline"]
    job = json.loads(house.ask("sync", "initial-load", *options).stdout)
    assert job["children_summary"]["total"] == 2
    assert job["children_summary"]["counts"]["read"] == 0
    listed = json.loads(house.ask("sync", "list", "--type", "full_refresh", "--limit", "3", "--json").stdout)
    assert [found["parent"] for found in listed["jobs"]] == [job["id"], job["id"], None]
    table = house.ask("sync", "list", "--status", "relayed").stdout.splitlines()
    assert table[0].split() == ["ID", "STATUS", "TYPE", "CREATED", "READ", "TITLE"]
    assert all("Relayed" in line for line in table[1:])


def test_commands_close_what_they_open(house: House) -> None:
    done = house.ask("sync", "list", "--json", PYTHONWARNINGS="error", PYTHONDEVMODE="1")
    assert (done.returncode, done.stderr) == (0, ""), subprocess.list2cmdline(done.args)
