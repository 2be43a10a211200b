"""The processes that jobs are measured on: PostgreSQL, a broker, a dispatcher, workers. All are our own."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import django
import redis
from django.conf import settings
from django.core.management import call_command

from syncjobs.supervision import broker
from tests.isolation import DATA_DIR
from tests.postgres_server import PostgresServer, find_binaries

WORKER = ("-m", "config", "worker", "--queues", "short,default,long", "--concurrency", "2")
LIMIT_SECONDS = 60.0


def prepare_django(apps: str = "tests.benchmarks.ledger") -> PostgresServer:
    """Start PostgreSQL and set Django up for it, before anything imports models. Exits where there is no server."""
    binaries = find_binaries()
    if binaries is None:
        print("These jobs are not measured: there are no PostgreSQL server binaries here.")  # noqa: T201
        sys.exit(0)
    server = PostgresServer(binaries)
    atexit.register(server.stop)
    os.environ |= {
        "DATABASE_URL": server.create_database(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SYNCDECK_APPS": apps,
    }
    django.setup()
    return server


@contextmanager
def running_broker() -> Iterator[redis.Redis]:
    """A migrated database and an empty broker; gives a client of it."""
    call_command("migrate", verbosity=0, run_syncdb=True)
    process = broker.start_broker(DATA_DIR)
    client = redis.Redis(unix_socket_path=settings.CELERY_BROKER_URL.removeprefix("redis+socket://"))
    try:
        yield client
    finally:
        client.close()
        broker.stop_broker(process, DATA_DIR)
        broker.remove_outside_directories(DATA_DIR)
        shutil.rmtree(DATA_DIR, ignore_errors=True)


@contextmanager
def running_worker(*command: str, processes: int = 2, **environment: str) -> Iterator[int]:
    """Prefork processes that are ready to work, Syncdeck's or by `command`; gives the id of their parent."""
    with _process("worker", command or WORKER, environment) as process:
        wait_until(lambda: process.poll() is not None or len(children_of(process.pid)) >= processes, "the worker")
        if process.poll() is not None:
            sys.exit((DATA_DIR / "worker.log").read_text(errors="replace")[-3000:])
        time.sleep(1.5)
        yield process.pid


@contextmanager
def running_dispatcher() -> Iterator[None]:
    with _process("dispatcher", ["manage.py", "dispatcher"], {}):
        yield


@contextmanager
def _process(name: str, arguments: Sequence[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (DATA_DIR / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=os.environ | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def wait_until(
    is_so: Callable[[], object], what: str, every_seconds: float = 0.02, limit_seconds: float = LIMIT_SECONDS
) -> None:
    """Look again and again; exits with the logs if it takes too long."""
    give_up = time.monotonic() + limit_seconds
    while not is_so():
        if time.monotonic() > give_up:
            logs = "\n".join(path.read_text(errors="replace")[-3000:] for path in sorted(DATA_DIR.glob("*.log")))
            sys.exit(f"Waited {limit_seconds:.0f} s for {what}.\n{logs}")
        time.sleep(every_seconds)
