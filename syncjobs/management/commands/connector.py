"""`manage.py connector list|create|delete|test|streams|sample`.

Exit codes: 1 the test failed or the system could not be read, 2 bad usage, 3 not found or there already.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from connectors.errors import ConfigError, SyncError
from connectors.models import Connector
from connectors.references import is_reference
from connectors.registry import known_kinds
from connectors.sampling import SAMPLE_ROWS
from syncjobs.management.base import PortalCommand
from syncjobs.management.connector_views import show_inside
from syncjobs.management.identities import terminal_user
from syncjobs.operations.connectors import ConnectorExists, save_connector, test_connector
from syncjobs.operations.deletions import ConnectorInUse, delete_connector

FAILED, USAGE, NOT_FOUND_OR_CONFLICT = 1, 2, 3


class Command(PortalCommand):
    help = "List, create, delete and test connectors, and look into them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="list connectors and kinds")
        creating = verbs.add_parser("create", help="create a connector")
        creating.add_argument("slug", help="the connector's slug")
        creating.add_argument("--kind", required=True, help="one of those that `connector list` shows")
        creating.add_argument("--name", default="", help="for people; the slug where left out")
        creating.add_argument("--config", default="{}", help="the kind's settings as a JSON object")
        creating.add_argument(
            "--credentials",
            default="{}",
            help="a JSON object of env:NAME and file:PATH references, or - to read any from standard input",
        )
        creating.add_argument("--max-concurrency", type=int, help="jobs at once (default: no limit)")
        creating.add_argument("--rate-limit-per-minute", type=int, help="requests a minute (default: no limit)")
        deleting = verbs.add_parser("delete", help="delete a connector that no type uses")
        deleting.add_argument("slug", help="the connector's slug")
        deleting.add_argument("--yes", action="store_true", help="delete it; there is no way back")
        testing = verbs.add_parser("test", help="test a connection step by step")
        testing.add_argument("slug", help="the connector's slug")
        streams = verbs.add_parser("streams", help="list what can be read or written")
        streams.add_argument("slug", help="the connector's slug")
        sampling = verbs.add_parser("sample", help="show a stream's fields and first records")
        sampling.add_argument("slug", help="the connector's slug")
        sampling.add_argument("stream", help="one of those that `connector streams` shows")
        sampling.add_argument("--rows", type=int, default=SAMPLE_ROWS, help="how many records (default: %(default)s)")
        for verb in (listing, creating, deleting, testing, streams, sampling):
            verb.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        match options["verb"]:
            case "list":
                self._list(as_json=options["json"])
            case "create":
                self._create(options)
            case "delete":
                self._delete(options["slug"], is_agreed=options["yes"], as_json=options["json"])
            case "test":
                self._test(options["slug"], as_json=options["json"])
            case verb:
                try:
                    show_inside(self.stdout, _find(options["slug"]), verb, options)
                except SyncError as error:
                    text = f"{error.message}. {error.hint}".strip()
                    raise CommandError(text, returncode=FAILED) from error

    def _list(self, *, as_json: bool) -> None:
        connectors = [describe(connector) for connector in Connector.objects.all()]
        kinds = [{"kind": kind.name, "label": kind.label, "problem": kind.problem} for kind in known_kinds()]
        if as_json:
            self._print_json({"connectors": connectors, "kinds": kinds})
            return
        for connector in connectors:
            tested = {None: "not tested", True: "works", False: "failed"}[connector["last_test_ok"]]
            state = tested if connector["enabled"] else "disabled"
            self.stdout.write(f"{connector['slug']:<28} {connector['kind']:<12} {state:<12} {connector['name']}")
        if not connectors:
            self.stdout.write(
                "There is no connector yet; make one with: connector create SLUG --kind KIND --config JSON"
            )
        self.stdout.write("Kinds: " + ", ".join(str(kind["kind"]) for kind in kinds))
        for kind in kinds:
            if kind["problem"]:
                self.stdout.write(f"  {kind['problem']}")

    def _create(self, options: dict[str, Any]) -> None:
        connector = Connector(
            slug=options["slug"],
            name=options["name"],
            kind=options["kind"],
            config=_read_object("--config", options["config"]),
            credentials=_read_credentials(options["credentials"]),
            max_concurrency=options["max_concurrency"],
            rate_limit_per_minute=options["rate_limit_per_minute"],
        )
        try:
            save_connector(connector)
        except ConnectorExists as error:
            raise _conflict(connector.slug) from error
        except ValidationError as error:
            raise CommandError(_as_sentences(error), returncode=USAGE) from error
        if options["json"]:
            self._print_json(describe(connector))
        else:
            self.stdout.write(f"Created {connector.slug}. Test it with: connector test {connector.slug}")

    def _delete(self, slug: str, *, is_agreed: bool, as_json: bool) -> None:
        connector = _find(slug)
        if not is_agreed:
            raise CommandError(f"Add --yes to delete {slug} with its credentials and tests.", returncode=USAGE)
        try:
            delete_connector(connector, actor=terminal_user())
        except ConnectorInUse as conflict:
            raise CommandError(f"{conflict}.", returncode=NOT_FOUND_OR_CONFLICT) from conflict
        if as_json:
            self._print_json({"deleted": slug})
        else:
            self.stdout.write(f"Connector {slug} is deleted.")

    def _test(self, slug: str, *, as_json: bool) -> None:
        test = test_connector(_find(slug))
        if as_json:
            self._print_json({"connector": slug, "ok": test.ok, "milliseconds": test.milliseconds, "steps": test.steps})
        else:
            self._print_steps(test.steps)
        if not test.ok:
            sys.exit(FAILED)

    def _print_steps(self, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            mark = "ok  " if step["ok"] else "FAIL"
            self.stdout.write(f"{mark} {step['name']:<20} {step['milliseconds']:>8.1f} ms  {step['message']}")
            if step["fix"]:
                self.stdout.write(f"     {step['fix']}")

    def _print_json(self, value: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(value, indent=2))


def _find(slug: str) -> Connector:
    connector = Connector.objects.filter(slug=slug).first()
    if connector is None:
        known = ", ".join(Connector.objects.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no connector '{slug}'; there are: {known}.", returncode=NOT_FOUND_OR_CONFLICT)
    return connector


def describe(connector: Connector) -> dict[str, Any]:
    """A connector for output: which credentials are set, never what they are."""
    try:
        credentials = dict.fromkeys(connector.credentials.names, "set")
    except ConfigError as error:
        credentials = {"problem": error.message}
    plain = {
        name: getattr(connector, name)
        for name in ("slug", "name", "kind", "config", "enabled", "max_concurrency", "rate_limit_per_minute")
    }
    tested_at = connector.last_tested_at.isoformat() if connector.last_tested_at else None
    return plain | {
        "credentials": credentials,
        "last_test_ok": connector.last_test_ok,
        "last_tested_at": tested_at,
        "last_test_message": connector.last_test_message,
        "version": connector.version,
    }


def _read_object(option: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CommandError(f"{option} must be a JSON object.", returncode=USAGE)
    return value


def _read_credentials(text: str) -> dict[str, Any]:
    if text == "-":
        return _read_object("--credentials", sys.stdin.read())
    credentials = _read_object("--credentials", text)
    for name, value in credentials.items():
        # Whoever may list processes sees what stands on a command line.
        if not (isinstance(value, str) and is_reference(value)):
            raise CommandError(
                f"--credentials: give '{name}' as env:NAME or file:PATH, or give the object on standard input (-).",
                returncode=USAGE,
            )
    return credentials


def _conflict(slug: str) -> CommandError:
    return CommandError(f"There is a connector '{slug}' already.", returncode=NOT_FOUND_OR_CONFLICT)


def _as_sentences(error: ValidationError) -> str:
    fields = error.message_dict
    return "\n".join(
        message if message.startswith(name) else f"{name}: {message}"
        for name, messages in fields.items()
        for message in messages
    )
