"""A whole Syncdeck of its own for a test: data directory, broker, dispatcher, workers; killed for real."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from syncjobs.supervision import broker
from tests.isolation import CHECKOUT, FOREIGN, SCRATCH, SHARED
from tests.postgres_server import PostgresServer

PATIENCE_SECONDS = 90.0
DESCRIBE = """
from syncjobs.models import SyncJob
from syncjobs.operations.descriptions import describe_job
answer = describe_job(SyncJob.objects.get(pk={job_id}))
"""


@functools.cache
def migrated_file() -> Path:
    """A freshly migrated SQLite database to be copied, made once for all processes of a test run."""
    with (SHARED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (SHARED / "migrated").exists():
            migrate(SHARED)
            (SHARED / "migrated").touch()
    return SHARED / "syncdeck.sqlite3"


@functools.cache
def migrated_database(server: PostgresServer) -> str:
    """The name of a freshly migrated PostgreSQL database, made once for a server, to be a template for others."""
    directory = Path(tempfile.mkdtemp(prefix="migrated-", dir=SCRATCH))
    migrate(directory, DATABASE_URL=server.create_database("migrated"))
    shutil.rmtree(directory)
    return "migrated"


def migrate(data_dir: Path, **environment: str) -> None:
    environment = os.environ | {"SYNCDECK_DATA_DIR": str(data_dir)} | environment
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=CHECKOUT, env=environment, check=True, timeout=120)


def database_urls(kind: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """The arguments of a Stack on `sqlite` or `postgresql`: its own database, migrated, and an empty target."""
    if kind == "sqlite":
        return {}
    server: PostgresServer = request.getfixturevalue("postgres_server")
    own = server.create_database(template=migrated_database(server))
    return {"database_url": own, "warehouse_url": server.create_database()}


class Stack:
    """Start what a test needs, ask through real commands, and end every process at the end."""

    def __init__(self, data_dir: Path, *, database_url: str = "", warehouse_url: str = "") -> None:
        self.data_dir = data_dir
        self.logs = data_dir / "test-logs"
        self.logs.mkdir(parents=True)
        self.warehouse_url = warehouse_url
        self._environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        self._environment |= {
            "SYNCDECK_DATA_DIR": str(data_dir),
            "SYNCDECK_LEASE_SECONDS": "6",
            "SYNCDECK_NETWORK_ALLOW": "127.0.0.0/8",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(CHECKOUT),
        }
        if database_url:
            self._environment["DATABASE_URL"] = database_url
        self._processes: list[subprocess.Popen[Any]] = []
        self._broker: subprocess.Popen[bytes] | None = None
        self._asker: subprocess.Popen[str] | None = None
        if not database_url:
            shutil.copy(migrated_file(), data_dir / "syncdeck.sqlite3")

    def install_app(self, name: str) -> None:
        """Add a Django app, as an operator does by SYNCDECK_APPS; before any process starts."""
        self.set_variable("SYNCDECK_APPS", name)

    def set_variable(self, name: str, value: str) -> None:
        """Set a variable for all processes; before any starts."""
        self._environment[name] = value

    @property
    def environment(self) -> dict[str, str]:
        """That of its processes."""
        return dict(self._environment)

    # 1. processes

    def start_broker(self) -> None:
        self._broker = broker.start_broker(self.data_dir)

    def stop_broker(self) -> None:
        if self._broker is not None:
            broker.stop_broker(self._broker, self.data_dir)
            self._broker = None

    def start_dispatcher(self, **environment: str) -> subprocess.Popen[bytes]:
        return self._start("dispatcher", ["manage.py", "dispatcher"], environment)

    def start_worker(self, name: str = "worker", slots: int = 1, **environment: str) -> subprocess.Popen[bytes]:
        arguments = ["-m", "config", "worker", "--concurrency", str(slots), "--hostname", f"{name}@test"]
        return self._start(name, arguments, environment)

    def start_web(self, port: int) -> subprocess.Popen[bytes]:
        arguments = ["-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
        return self._start("web", [*arguments, "--no-control-socket"], {"ALLOWED_HOSTS": "127.0.0.1"})

    def _start(self, name: str, arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=CHECKOUT,
                env=self._environment | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def stop(self) -> None:
        if self._asker is not None:
            self._asker.communicate()
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)
        self.stop_broker()
        broker.remove_outside_directories(self.data_dir)

    # 2. questions

    def manage(self, *arguments: str, expect: int = 0) -> str:
        """Run a command of manage.py; its standard output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == expect, f"{arguments} gave {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def python(self, code: str) -> Any:
        """Run code inside this Syncdeck; what it assigns to `answer`, by way of JSON."""
        asker = self._asker or self._start_asker()
        assert asker.stdin is not None
        assert asker.stdout is not None
        asker.stdin.write(f"{json.dumps(code)}\n")
        asker.stdin.flush()
        found = json.loads(asker.stdout.readline())
        assert "error" not in found, found["error"]
        return found["answer"]

    def _start_asker(self) -> subprocess.Popen[str]:
        with (self.logs / "asker.log").open("ab") as log:
            self._asker = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.faults.asker"],
                cwd=CHECKOUT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return self._asker

    def run_by_command(self, slug: str, *options: str) -> int:
        """Ask for a job as a person at a terminal would; its id."""
        return int(json.loads(self.manage("sync", "run", slug, "--json", *options))["id"])

    def wait_for_worker(self) -> None:
        """Until a worker has said that it is there."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        count = "from syncjobs.models import WorkerSeen\nanswer = WorkerSeen.objects.count()"
        while not self.python(count):
            assert time.monotonic() < give_up, self.log_text()
            time.sleep(0.1)

    def job(self, job_id: int) -> dict[str, Any]:
        """The public shape of a job."""
        shape: dict[str, Any] = self.python(DESCRIBE.format(job_id=job_id))
        return shape

    def wait_for(self, job_id: int, is_right: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job's shape as soon as it is right; else fails with the logs of all processes."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not is_right(shape := self.job(job_id)):
            assert time.monotonic() < give_up, f"{shape}\n{self.log_text()}"
            time.sleep(0.1)
        return shape

    def log_text(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-4000:]}" for path in sorted(self.logs.iterdir()))


def is_final(job: dict[str, Any]) -> bool:
    """Whether a job has ended for good."""
    ended = {"finished", "skipped", "relayed", "no_target", "failed", "error", "canceled"}
    return job["status"] in ended and job["retry_after"] is None
