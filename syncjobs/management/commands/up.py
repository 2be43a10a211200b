"""`manage.py up`: prepares the database and the first login, then turns into the supervisor of all processes.

Starts nothing itself: what runs is in syncjobs.supervision.stack, how it is minded in syncjobs.supervision.supervisor.
"""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from connectors import network
from syncjobs.management.base import PortalCommand
from syncjobs.management.collecting import collect_if_changed
from syncjobs.management.first_login import ADMIN_NAME, create_first_admin, keep_password, kept_password
from syncjobs.models import SyncJob
from syncjobs.supervision import premises
from syncjobs.supervision.broker import BrokerUnavailable
from syncjobs.supervision.handover import become_supervisor
from syncjobs.supervision.plan import Page, SupervisionPlan
from syncjobs.supervision.stack import list_children, manage_command

DEMO_TYPE = "airports"
LOOPBACK = "127.0.0.1"
LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1")
EVERY_ADDRESS = {"0.0.0.0", "::", "[::]"}  # noqa: S104 - compared with, never listened on.


class Command(PortalCommand):
    """Starts broker, web server, worker, beat and dispatcher, and minds them until Ctrl-C."""

    help = "Prepare everything and run Syncdeck until Ctrl-C: broker, web, worker, beat and dispatcher."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="add the sandbox with demo data and run one sync")
        parser.add_argument("--port", type=int, default=settings.PORT, help="where the portal listens (default: PORT)")

    def handle(self, *args: Any, demo: bool, port: int, **options: Any) -> None:
        if not 0 < port < 65536:
            raise CommandError(f"--port must be a number from 1 to 65535, not {port}.")
        data_dir = Path(settings.SYNCDECK_DATA_DIR)
        os.chdir(settings.BASE_DIR)
        try:
            premises.check_writable(data_dir)
            lock = premises.lock(data_dir)
            premises.check_port(settings.HOST, port)
            sandbox_port = choose_sandbox_port(data_dir) if demo else None
            children = list_children(
                data_dir=data_dir,
                host=settings.HOST,
                port=port,
                queues=settings.SYNCDECK_QUEUES,
                has_embedded_broker=settings.EMBEDDED_BROKER,
                sandbox_port=sandbox_port,
            )
        except (premises.CannotStart, BrokerUnavailable) as problem:
            raise CommandError(str(problem)) from problem
        login = self.prepare(data_dir, demo=demo)
        plan = SupervisionPlan(
            data_dir=str(data_dir),
            children=children,
            environment=child_environment(data_dir),
            ready_pages=ready_pages(port, sandbox_port),
            ready_lines=[f"Syncdeck is ready at {portal_url(port)}", *login],
            run_when_ready=[manage_command("sync", "run", DEMO_TYPE)] if demo and is_demo_unused() else [],
        )
        become_supervisor(plan, lock)

    def prepare(self, data_dir: Path, *, demo: bool) -> list[str]:
        """Bring database, static files, defaults and first user in order; return what to say about the login."""
        self.stdout.write("Preparing the database.")
        call_command("migrate", interactive=False, verbosity=0)
        collect_if_changed(Path(settings.STATIC_ROOT))
        # As in the children: what they may reach can be seeded, such as a WAREHOUSE_URL on this machine.
        network.configure(child_environment(data_dir)["SYNCDECK_NETWORK_ALLOW"].split(","))
        call_command("seed_defaults", *(["--demo"] if demo else []))
        password, note = create_first_admin(), "shown this once"
        if demo:
            path = data_dir / "demo-login"
            if password is not None:
                keep_password(path, password)
            password, note = kept_password(path), f"kept in {path}"
        return [f"Log in as {ADMIN_NAME} with the password {password} ({note})."] if password else []


def choose_sandbox_port(data_dir: Path) -> int:
    """Choose where the sandbox listens, the same as last time if it can be, and note it for the outbound guard."""
    note = Path(settings.SANDBOX_ADDRESS_FILE)
    _, _, last = note.read_text(encoding="ascii").strip().rpartition(":") if note.is_file() else ("", "", "")
    port = premises.choose_port(LOOPBACK, int(last) if last.isdecimal() else None)
    draft = data_dir / f".sandbox.address.{os.getpid()}"
    draft.write_text(f"{LOOPBACK}:{port}\n", encoding="ascii")
    draft.replace(note)
    return port


def child_environment(data_dir: Path) -> dict[str, str]:
    """Return what the children's environment has beyond ours: log files, and loopback let through the guard."""
    given = settings.ENVIRONMENT.network_allow
    return {
        "LOG_DIR": str(settings.LOG_DIR or data_dir / "logs"),
        "PYTHONUNBUFFERED": "1",
        "SYNCDECK_DATA_DIR": str(data_dir),
        "SYNCDECK_NETWORK_ALLOW": ",".join(given or LOOPBACK_NETWORKS),
    }


def ready_pages(port: int, sandbox_port: int | None) -> list[Page]:
    """Return where to ask whether the portal answers, by a name it answers to, and the sandbox, where there is one."""
    host = LOOPBACK if settings.HOST in EVERY_ADDRESS else settings.HOST.strip("[]")
    name = settings.ALLOWED_HOSTS[0]
    portal = (host, port, "localhost" if name == "*" else name.removeprefix("."), "/admin/login/")
    return [portal] if sandbox_port is None else [portal, (LOOPBACK, sandbox_port, LOOPBACK, "/")]


def portal_url(port: int) -> str:
    """Return the address to type into a browser."""
    host = "localhost" if settings.HOST in {LOOPBACK, "localhost", "::1", *EVERY_ADDRESS} else settings.HOST
    return f"http://{host}:{port}/"


def is_demo_unused() -> bool:
    """Tell whether the demo's sync has never run here."""
    return not SyncJob.objects.filter(job_type__slug=DEMO_TYPE).exists()
