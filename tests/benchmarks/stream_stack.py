"""Stream syncs in a running worker: their connectors and types, how long a job took, and its memory. Checks results."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from tests.benchmarks.measured_stack import (
    children_of,
    prepare_django,
    running_broker,
    running_dispatcher,
    running_worker,
    wait_until,
)
from tests.benchmarks.results import Run

SERVER = prepare_django()

from django.db import connection  # noqa: E402

from syncjobs.models import SyncJob, SyncJobType  # noqa: E402
from syncjobs.operations.connectors import connector_from_shape, save_connector  # noqa: E402
from syncjobs.operations.job_types import job_type_from_shape, run_job_type, save_job_type  # noqa: E402
from syncjobs.statuses import Trigger  # noqa: E402

ACTIVE = ("pending", "queued", "started")
LONGEST_SECONDS = 300.0  # of one job
MEGABYTE = 1024  # of the kilobytes that the system counts in


@contextmanager
def running_stack() -> Iterator[None]:
    """A broker and a dispatcher."""
    with running_broker(), running_dispatcher():
        yield


@contextmanager
def running_pool() -> Iterator[int]:
    """A worker of two processes, none of which has worked before; gives the process id of their parent."""
    with running_worker() as worker:
        yield worker


def save_database(slug: str, address: str) -> None:
    """A PostgreSQL connector for a database of the measured server."""
    url = urlsplit(address)
    config = {"host": url.hostname, "port": url.port, "user": url.username, "dbname": url.path.strip("/")}
    shape = {"slug": slug, "kind": "postgres", "config": config | {"sslmode": "disable"}}
    save_connector(connector_from_shape(shape | {"credentials": {"password": url.password}}))


def save_stream_type(slug: str, source: str, stream: dict[str, Any], **settings: Any) -> SyncJobType:
    """A type of one stream from connector `source` into `bench-target`."""
    shape = {"slug": slug, "name": slug, "controller": "stream_sync", "timeout": 3600, "source_connector": source}
    shape |= {"target_connector": "bench-target", "config": {"streams": [stream]}}
    return save_job_type(job_type_from_shape(shape | settings), actor="bench")


def run_in_worker(worker: int, job_type: SyncJobType, **options: Any) -> tuple[SyncJob, Run]:
    """Have the running worker do a job: the job, its own `time_taken`, and the peak memory of the pool's processes."""
    pool = children_of(worker)
    for pid in pool:
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    job = finished(run_job_type(job_type, trigger=Trigger.CLI, actor="bench", **options))
    return job, Run(job.time_taken or 0.0, max(map(_peak, pool)) // MEGABYTE)


def finished(asked: SyncJob) -> SyncJob:
    """The job when it is done. Exits if it ends otherwise."""
    row = SyncJob.objects.filter(pk=asked.pk)
    wait_until(lambda: not row.filter(status__in=ACTIVE).exists(), asked.title, 0.05, LONGEST_SECONDS)
    job = row.get()
    if job.status != "finished":
        sys.exit(f"{job.title} ended {job.status}: {job.failure}")
    return job


def _peak(pid: int) -> int:
    """The most memory of a process so far, in kilobytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def run_cold(job_type: SyncJobType) -> Run:
    """`sync run --inline` as a process of its own, from its start to its end."""
    return run_command([sys.executable, "manage.py", "sync", "run", job_type.slug, "--inline", "--json"])


def run_command(
    command: Sequence[str], *, environment: dict[str, str] | None = None, stdin: IO[bytes] | None = None
) -> Run:
    """A command from its start to its end. Exits with its last words if it fails."""
    with tempfile.TemporaryFile() as words:
        began, peak = time.perf_counter(), 0
        process = subprocess.Popen(
            command, stdin=stdin, stdout=words, stderr=subprocess.STDOUT, env=os.environ | (environment or {})
        )
        while process.poll() is None:
            peak = max(peak, _peak(process.pid))
            time.sleep(0.005)
        seconds = time.perf_counter() - began
        if process.returncode:
            words.seek(0)
            sys.exit(f"{command[0]} failed.\n{words.read().decode(errors='replace')[-3000:]}")
    return Run(seconds, peak // MEGABYTE)


def run_pipe(out: Sequence[str], into: Sequence[str]) -> Run:
    """Two commands, the first's output read by the second, which is the one whose memory is told."""
    with subprocess.Popen(out, stdout=subprocess.PIPE) as reading:
        run = run_command(into, stdin=reading.stdout)
    if reading.returncode:
        sys.exit(f"{out[0]} ended with {reading.returncode}.")
    return run


def psql(address: str, *statements: str) -> list[str]:
    """One session of psql in which these are run one after the other."""
    program = str(SERVER.binaries / "psql")
    return [program, "--quiet", "--set=ON_ERROR_STOP=1", address, *(f"--command={one}" for one in statements)]


def server_version() -> int:
    """As PostgreSQL counts: 170004 is 17.4."""
    with SERVER.connect() as server:
        return server.info.server_version


def forget_changes() -> None:
    """Empty what jobs have kept so far, so that no round writes into larger tables than another."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE syncjobs_change")
