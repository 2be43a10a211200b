"""`manage.py export_config`: connectors, job types and schedules as YAML, without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from connectors.redaction import redact
from syncjobs.management.base import PortalCommand
from syncjobs.management.config_files import write_yaml
from syncjobs.management.terminal import FAILED, Terminal, telling_problems
from syncjobs.operations.config_shapes import describe_configuration


class Command(PortalCommand):
    """Exit codes: 0 well, 1 credentials that cannot be read, or a file that cannot be written."""

    help = "Write connectors, job types and schedules as YAML, for import_config. Secrets are named, never written."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, metavar="FILE", help="write to this file instead of the terminal")

    def handle(self, *args: Any, output: Path | None, **_general: Any) -> None:
        terminal = Terminal(self.stdout, self.stderr)
        with telling_problems():
            document = describe_configuration()
        text = redact(write_yaml(document))
        if output is None:
            terminal.write(text)
            return
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as problem:
            raise CommandError(f"{output} cannot be written: {problem.strerror}.", returncode=FAILED) from problem
        told = ", ".join(f"{len(document[name]):,} {words}" for name, words in SECTIONS)
        terminal.warn(f"Wrote {told} to {output}.")


SECTIONS = (("connectors", "connectors"), ("job_types", "job types"), ("schedules", "schedules"))
