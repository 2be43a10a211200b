"""`manage.py seed_defaults`: makes the roles, default connectors, job types and schedules that were never made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from connectors import network
from connectors.errors import ConfigError
from syncjobs.management.base import PortalCommand
from syncjobs.operations.roles import seed_roles
from syncjobs.operations.seeds import seed_defaults, seed_demo

ACTOR = "seed_defaults"


class Command(PortalCommand):
    """May be run any number of times; what somebody edited or deleted stays so."""

    help = "Make the roles and the default connectors, job types and schedules, each once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="also the demo's source and the type 'airports'")
        parser.add_argument("--sandbox-url", help="where the sandbox is (default: where `up --demo` noted it)")

    def handle(self, *args: Any, demo: bool, sandbox_url: str | None, **options: Any) -> None:
        try:
            told = [*seed_roles(), *seed_defaults(actor=ACTOR)]
            if demo:
                told += seed_demo(sandbox_url or noted_sandbox_url(), actor=ACTOR)
        except ValidationError as problem:
            raise CommandError(f"A default cannot be made: {' '.join(problem.messages)}") from problem
        except ConfigError as problem:
            raise CommandError(f"A default cannot be made: {problem.message}. {problem.hint}".strip()) from problem
        for sentence in told:
            self.stdout.write(sentence)


def noted_sandbox_url() -> str:
    """The address that `up --demo` noted; from now on the outbound guard lets this process through to exactly that."""
    note = Path(settings.SANDBOX_ADDRESS_FILE)
    if not note.is_file():
        raise CommandError("There is no sandbox yet: start it with `manage.py up --demo`, or give --sandbox-url.")
    address = note.read_text(encoding="ascii").strip()
    network.configure([*settings.SYNCDECK_NETWORK_ALLOW, address])
    return f"http://{address}"
