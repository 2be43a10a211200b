"""`manage.py token`: makes, lists and revokes API tokens from a terminal. Asks the operations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from syncjobs.clock import db_now
from syncjobs.management.argument_types import parse_text
from syncjobs.management.base import PortalCommand
from syncjobs.management.identities import terminal_user
from syncjobs.management.job_texts import moment_text, table_lines
from syncjobs.management.terminal import NOT_FOUND, Terminal, telling_problems
from syncjobs.models import ApiToken
from syncjobs.operations.descriptions import moment_text as moment_as_json
from syncjobs.operations.tokens import DEFAULT_DAYS, create_token, revoke_token, state_of
from syncjobs.scopes import SCOPES

HEADING = ("ID", "TOKEN", "OWNER", "STATE", "EXPIRES", "LAST USED", "SCOPES", "NAME")


class Command(PortalCommand):
    """Exit codes: 0 well, 2 bad usage, 3 not found."""

    help = "Make, list and revoke API tokens."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        making = actions.add_parser("create", help="make a token and show it, this once")
        making.add_argument("user", type=parse_text, metavar="USER", help="whom it acts for")
        making.add_argument("--name", type=parse_text, default="made at a terminal", help="such as where it is used")
        making.add_argument("--scopes", nargs="+", choices=list(SCOPES), required=True, metavar="SCOPE",
                            help=f"what it may do: {', '.join(SCOPES)}")  # fmt: skip
        making.add_argument(
            "--days", type=int, default=DEFAULT_DAYS, help="until it expires; 0 for never (default: %(default)s)"
        )
        listing = actions.add_parser("list", help="list all tokens, without what would let anybody use them")
        revoking = actions.add_parser("revoke", help="end a token at once and for good")
        revoking.add_argument("token", type=parse_text, metavar="TOKEN", help="its number, or how it begins")
        for action in (making, listing, revoking):
            action.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        with telling_problems():
            HANDLERS[action](Terminal(self.stdout, self.stderr), **options)


def make_token(
    terminal: Terminal, *, user: str, name: str, scopes: list[str], days: int, as_json: bool, **_general: Any
) -> None:
    owner = User.objects.filter(username=user).first()
    if owner is None:
        raise User.DoesNotExist(f"There is no user '{user}'; make one at the portal, or by: manage.py createsuperuser")
    expires_at = db_now() + timedelta(days=min(max(days, -1), 10**6)) if days else None
    made = create_token(owner, name=name, scopes=scopes, expires_at=expires_at, actor=terminal_user())
    if as_json:
        terminal.write_json(describe(made.token) | {"token": made.secret})
        return
    terminal.write(made.secret)
    terminal.warn("This is shown once. Send it as: Authorization: Token <token>")


def list_tokens(terminal: Terminal, *, as_json: bool, **_general: Any) -> None:
    tokens = list(ApiToken.objects.select_related("owner"))
    if as_json:
        terminal.write_json({"tokens": [describe(token) for token in tokens]})
        return
    rows = [_row(token) for token in tokens]
    terminal.write("\n".join(table_lines(HEADING, rows)) if rows else "There is no token.")


def revoke(terminal: Terminal, *, token: str, as_json: bool, **_general: Any) -> None:
    is_number = token.isascii() and token.isdecimal() and len(token) < 19
    named = {"pk": int(token)} if is_number else {"prefix": token.removesuffix("…")}
    found = ApiToken.objects.select_related("owner").filter(**named).first()
    if found is None:
        raise CommandError(
            f"There is no token '{token[:20]}'; list them with: manage.py token list", returncode=NOT_FOUND
        )
    revoked = revoke_token(found, actor=terminal_user())
    if as_json:
        terminal.write_json(describe(revoked))
    else:
        terminal.write(f"The token {revoked} is revoked.")


HANDLERS: dict[str, Callable[..., None]] = {"create": make_token, "list": list_tokens, "revoke": revoke}


def describe(token: ApiToken) -> dict[str, Any]:
    """The token for programs; times are in UTC."""
    return {
        "id": token.pk,
        "prefix": token.prefix,
        "name": token.name,
        "owner": token.owner.get_username(),
        "scopes": token.scopes,
        "state": state_of(token, db_now()),
        "created_at": moment_as_json(token.created_at),
        "expires_at": moment_as_json(token.expires_at),
        "last_used_at": moment_as_json(token.last_used_at),
        "revoked_at": moment_as_json(token.revoked_at),
    }


def _row(token: ApiToken) -> tuple[str, ...]:
    ends = moment_text(token.expires_at) if token.expires_at else "never"
    used = moment_text(token.last_used_at) if token.last_used_at else "never"
    owner, state = token.owner.get_username(), state_of(token, db_now())
    return str(token.pk), f"{token.prefix}…", owner, state, ends, used, " ".join(token.scopes), token.name
