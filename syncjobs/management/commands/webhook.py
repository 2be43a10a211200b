"""`manage.py webhook`: webhooks from a terminal, from making one to deleting it. Asks the operations."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from syncjobs.management.argument_types import parse_context, parse_job_id, parse_text
from syncjobs.management.base import PortalCommand
from syncjobs.management.identities import find_type, terminal_user
from syncjobs.management.job_texts import moment_text, table_lines
from syncjobs.management.terminal import Terminal, telling_problems
from syncjobs.models import Webhook
from syncjobs.operations.descriptions import moment_text as moment_as_json
from syncjobs.operations.webhooks import (
    DEFAULT_HOURS,
    MadeSecret,
    change_webhook,
    create_webhook,
    delete_webhook,
    rotate_secret,
    webhook_shape,
)

HEADING = ("ID", "NAME", "TYPE", "STATE", "MADE", "ADDRESS")


class Command(PortalCommand):
    """Exit codes: 0 well, 2 bad usage, 3 not found or refused."""

    help = "List, make, change, switch, rotate and delete the webhooks of job types."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="list all webhooks, without their secrets")
        making = actions.add_parser("create", help="make a webhook and show its secret, this once")
        making.add_argument("job_type", metavar="TYPE", help="the job type's slug")
        making.add_argument("name", type=parse_text, metavar="NAME", help="such as who sends")
        making.add_argument("--overrides", type=parse_context, default={}, metavar="JSON", help="fixed for its jobs")
        changing = actions.add_parser("change", help="change what is given of a webhook")
        changing.add_argument("--name", type=parse_text, default=None, help="such as who sends")
        changing.add_argument(
            "--overrides", type=parse_context, default=None, metavar="JSON", help="fixed for its jobs"
        )
        rotating = actions.add_parser("rotate", help="make a new secret and show it, this once")
        rotating.add_argument(
            "--hours", type=int, default=DEFAULT_HOURS, help="how long the old one is good (default: %(default)s)"
        )
        others = [actions.add_parser(word, help=told) for word, told in SWITCHES.items()]
        deleting = actions.add_parser("delete", help="delete a webhook; the jobs that it started stay")
        for action in (changing, rotating, *others, deleting):
            action.add_argument("webhook", type=parse_job_id, metavar="ID", help="its number in the list")
        for action in (listing, making, rotating):
            action.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        terminal = Terminal(self.stdout, self.stderr)
        with telling_problems():
            if action == "list":
                list_webhooks(terminal, **options)
            elif action == "create":
                make_webhook(terminal, **options)
            else:
                act(terminal, action, **options)


SWITCHES = {"enable": "let it take deliveries", "disable": "answer as if it were not there"}


def list_webhooks(terminal: Terminal, *, as_json: bool, **_general: Any) -> None:
    webhooks = list(Webhook.objects.select_related("job_type"))
    if as_json:
        terminal.write_json({"webhooks": [describe(webhook) for webhook in webhooks]})
        return
    rows = [_row(webhook) for webhook in webhooks]
    terminal.write("\n".join(table_lines(HEADING, rows)) if rows else "There is no webhook.")


def make_webhook(
    terminal: Terminal, *, job_type: str, name: str, overrides: dict[str, Any], as_json: bool, **_general: Any
) -> None:
    made = create_webhook(find_type(job_type), name=name, overrides=overrides, actor=terminal_user())
    _show_secret(terminal, made, as_json=as_json)


def act(terminal: Terminal, action: str, *, webhook: int, **options: Any) -> None:
    found = Webhook.objects.select_related("job_type").filter(pk=webhook).first()
    if found is None:
        raise Webhook.DoesNotExist(f"There is no webhook {webhook}; list them with: manage.py webhook list")
    match action:
        case "rotate":
            made = rotate_secret(found, actor=terminal_user(), hours=options["hours"])
            _show_secret(terminal, made, as_json=options["as_json"])
        case "change":
            given = {name: options[name] for name in ("name", "overrides") if options[name] is not None}
            if not given:
                raise CommandError("Say what to change: --name or --overrides.", returncode=2)
            terminal.write(f"The webhook '{change_webhook(found, actor=terminal_user(), **given)}' is changed.")
        case "delete":
            name = str(found)
            delete_webhook(found, actor=terminal_user())
            terminal.write(f"The webhook '{name}' is deleted.")
        case _:
            change_webhook(found, actor=terminal_user(), enabled=action == "enable")
            terminal.write(f"The webhook '{found}' is {'on' if found.enabled else 'off'}.")


def _show_secret(terminal: Terminal, made: MadeSecret, *, as_json: bool) -> None:
    if as_json:
        terminal.write_json(describe(made.webhook) | {"secret": made.secret})
        return
    terminal.write(made.secret)
    terminal.warn(f"This is shown once. Deliveries are posted to {made.webhook.path}, signed with it.")


def describe(webhook: Webhook) -> dict[str, Any]:
    """The webhook for programs; times are in UTC."""
    times = {name: moment_as_json(getattr(webhook, name)) for name in ("rotated_at", "previous_until", "created_at")}
    return {"id": webhook.pk, **webhook_shape(webhook), "path": webhook.path, **times}


def _row(webhook: Webhook) -> tuple[str, ...]:
    state, made = "on" if webhook.enabled else "off", moment_text(webhook.created_at)
    return str(webhook.pk), webhook.name, webhook.job_type.slug, state, made, webhook.path
