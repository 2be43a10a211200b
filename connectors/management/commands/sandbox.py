"""`manage.py sandbox`: runs the sandbox in the foreground until it is told to stop. Needs no database and no broker."""

import json
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from connectors.sandbox.errors import SandboxError, SodaError
from connectors.sandbox.faults import KINDS, Fault
from connectors.sandbox.server import make_server
from connectors.sandbox.serving import SandboxServer

DEFAULT_PORT = 8090


class Command(BaseCommand):
    help = (
        "Serve real airports and generated crash data on this machine as Socrata's SODA API would, "
        "with switches for faults at /sandbox/faults."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument(
            "--port", type=int, default=DEFAULT_PORT, help="port to listen on, 0 for a free one (default: %(default)s)"
        )
        parser.add_argument("--data", type=Path, help="the sandbox's own SQLite file (default: in the data directory)")
        parser.add_argument("--app-token", help="refuse requests that bring another app token than this")
        parser.add_argument("--slow", type=float, metavar="SECONDS", help="wait this long before every answer")
        parser.add_argument(
            "--fault",
            action="append",
            default=[],
            metavar="KIND[:NAME=VALUE,...]",
            help=f"turn a fault on, for example rate_limited:retry_after=5,times=3; kinds: {', '.join(KINDS)}",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            faults = [parse_fault(text) for text in options["fault"]]
            if options["slow"] is not None:
                faults.append(Fault("slow", seconds=options["slow"]))
            server = make_server(
                options["data"] or Path(settings.SYNCDECK_DATA_DIR) / "sandbox.sqlite3",
                options["host"],
                options["port"],
                faults=faults,
                app_token=options["app_token"],
            )
        except (SandboxError, SodaError) as error:
            raise CommandError(str(error)) from error
        self._serve(server)

    def _serve(self, server: SandboxServer) -> None:
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        server.start()
        self.stdout.write(f"Sandbox is ready at {server.url}/")
        self.stdout.flush()
        stopped.wait()
        server.stop()


def parse_fault(text: str) -> Fault:
    """Reads KIND[:NAME=VALUE,...], each value as JSON where it is JSON and as text elsewhere. Raises SodaError."""
    kind, _, rest = text.partition(":")
    pairs = (pair.partition("=") for pair in rest.split(",") if pair)
    return Fault.from_json({"kind": kind} | {name: _parse_value(value) for name, _, value in pairs})


def _parse_value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
