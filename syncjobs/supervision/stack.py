"""Which processes Syncdeck consists of, and the commands that start them. Starts nothing itself."""

import sys
from collections.abc import Sequence
from pathlib import Path

from syncjobs.supervision.broker import prepare_command
from syncjobs.supervision.plan import ChildPlan

WEB_THREADS = 8
WORKER_PROCESSES = 2
# True of nearly every machine, and of no weight for a queue of wake-ups.
BROKER_CHATTER = ("Memory overcommit must be enabled",)
SCHEDULER = "syncjobs.triggers.beat:JobScheduler"


def list_children(
    *, data_dir: Path, host: str, port: int, queues: Sequence[str], has_embedded_broker: bool, sandbox_port: int | None
) -> list[ChildPlan]:
    """Return the children in starting order; what stands upon others is stopped before them.

    Raises BrokerUnavailable where the embedded broker is asked for and cannot be had.
    """
    children = []
    if has_embedded_broker:
        children.append(ChildPlan("broker", prepare_command(data_dir), stop_stage=3, hidden=BROKER_CHATTER))
    if sandbox_port is not None:
        children.append(ChildPlan("sandbox", sandbox_command(data_dir, sandbox_port), stop_stage=2))
    return [
        *children,
        ChildPlan("web", web_command(host, port), stop_stage=1),
        ChildPlan("worker", worker_command(queues), stop_stage=1),
        ChildPlan("beat", program_command("beat"), stop_stage=0),
        ChildPlan("dispatcher", manage_command("dispatcher"), stop_stage=0),
    ]


def manage_command(*arguments: str) -> list[str]:
    """Return the command line of a management command."""
    return [sys.executable, "manage.py", *arguments]


def program_command(*arguments: str) -> list[str]:
    """Return the command line of a program that Celery stands behind."""
    return [sys.executable, "-m", "config", *arguments]


def sandbox_command(data_dir: Path, port: int) -> list[str]:
    """Return the command line of the demo's source."""
    return manage_command(
        "sandbox", "--host", "127.0.0.1", "--port", str(port), "--data", str(data_dir / "sandbox.sqlite3")
    )


def web_command(host: str, port: int) -> list[str]:
    """Return the command line of the web server. Its control socket would lie in the user's home."""
    address = f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"
    threads = ["--workers", "1", "--threads", str(WEB_THREADS)]
    limits = ["--timeout", "60", "--graceful-timeout", "8"]
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "config.wsgi",
        "--bind",
        address,
        *threads,
        *limits,
        "--no-control-socket",
    ]


def worker_command(queues: Sequence[str]) -> list[str]:
    """Return the command line of the worker: two processes on all queues."""
    return program_command("worker", "--queues", ",".join(queues), "--concurrency", str(WORKER_PROCESSES))
