"""`manage.py rotate_keys`: encrypts stored credentials anew with the first key, or tells what older ones still hold."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from syncjobs.management.base import PortalCommand
from syncjobs.management.terminal import FAILED, Terminal, telling_problems
from syncjobs.operations.key_rotation import rotate_keys


class Command(PortalCommand):
    """Exit codes: 0 when everything is encrypted with the first key, 1 when something is not."""

    help = "Encrypt stored credentials anew with the first of SYNCDECK_SECRET_KEYS; it can be stopped and run again."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether older keys are still needed")
        parser.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")

    def handle(self, *args: Any, check: bool, as_json: bool, **_general: Any) -> None:
        terminal = Terminal(self.stdout, self.stderr)
        with telling_problems():
            found = rotate_keys(only_check=check)
        if as_json:
            counts = {"current": found.current, "rotated": found.rotated, "outdated": found.outdated}
            terminal.write_json(counts | {"unreadable": found.unreadable})
        else:
            terminal.write(
                f"{found.current + found.rotated:,} with the first key ({found.rotated:,} of them since now)"
            )
            if found.outdated:
                terminal.write(f"{found.outdated:,} with an older key: run rotate_keys")
        for name, problem in found.unreadable.items():
            terminal.warn(f"{name}: {problem}")
        if not found.is_complete:
            raise CommandError("Keep the older keys in SYNCDECK_SECRET_KEYS.", returncode=FAILED)
        if not as_json:
            terminal.write("Only the first of SYNCDECK_SECRET_KEYS is needed.")
