"""A whole Syncdeck of its own for a test: data directory, broker, dispatcher, workers; killed for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from syncjobs.supervision import broker
from tests.isolation import CHECKOUT, FOREIGN

PATIENCE_SECONDS = 90.0
PRELUDE = "import json, django; django.setup()\n"


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
        self._processes: list[subprocess.Popen[bytes]] = []
        self._broker: subprocess.Popen[bytes] | None = None
        self.manage("migrate", "--verbosity", "0")

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
        arguments = ["-m", "celery", "-A", "config", "worker", "--pool", "prefork", "--concurrency", str(slots)]
        arguments += ["--queues", "short,default,long", "--hostname", f"{name}@test"]
        arguments += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        return self._start(name, arguments, environment)

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
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)
        self.stop_broker()

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
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", f"{PRELUDE}{code}\nprint(json.dumps(answer, default=str))"],
            cwd=CHECKOUT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def run_by_command(self, slug: str, *options: str) -> int:
        """Ask for a job as a person at a terminal would; its id."""
        return int(json.loads(self.manage("sync", "run", slug, "--json", *options))["id"])

    def wait_for_worker(self) -> None:
        """Until a worker has said that it is there."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        count = "from syncjobs.models import WorkerSeen\nanswer = WorkerSeen.objects.count()"
        while not self.python(count):
            assert time.monotonic() < give_up, self.log_text()
            time.sleep(0.3)

    def job(self, job_id: int) -> dict[str, Any]:
        """The public shape of a job."""
        shape: dict[str, Any] = json.loads(self.manage("sync", "show", str(job_id), "--json"))
        return shape

    def wait_for(self, job_id: int, is_right: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job's shape as soon as it is right; else fails with the logs of all processes."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not is_right(shape := self.job(job_id)):
            assert time.monotonic() < give_up, f"{shape}\n{self.log_text()}"
            time.sleep(0.3)
        return shape

    def log_text(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-4000:]}" for path in sorted(self.logs.iterdir()))


def is_final(job: dict[str, Any]) -> bool:
    """Whether a job has ended for good."""
    ended = {"finished", "skipped", "relayed", "no_target", "failed", "error", "canceled"}
    return job["status"] in ended and job["retry_after"] is None
