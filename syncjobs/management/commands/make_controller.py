"""`manage.py make_controller`: writes the file of a new controller into an app. Asks the operation; writes nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from syncjobs.management.base import PortalCommand
from syncjobs.operations.controller_files import FileRefused, make_controller_file


class Command(PortalCommand):
    """Exit codes: 0 well, 1 refused, 2 bad usage."""

    help = "Write a new controller with commented hooks, ready to be filled in."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help='for people, such as "SAP Customer Sync"')
        parser.add_argument("--app", required=True, metavar="LABEL", help="the app of SYNCDECK_APPS that gets the file")
        parser.add_argument("--bypass", action="store_true", help="bypass mode: one function that does everything")

    def handle(self, *_args: Any, name: str, app: str, bypass: bool, **_options: Any) -> None:
        try:
            path = make_controller_file(name, app, "bypass" if bypass else "standard")
        except FileRefused as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"Wrote {path}. Complete it, restart Syncdeck, and choose the controller '{path.stem}'.")
