"""`manage.py chain`: lists, sets and deletes chains from a terminal. Asks the operations."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from syncjobs.management.base import PortalCommand
from syncjobs.management.identities import find_type, terminal_user
from syncjobs.management.job_texts import table_lines
from syncjobs.management.terminal import Terminal, telling_problems
from syncjobs.models import Chain
from syncjobs.operations.chains import chain_shape, delete_chain, save_chain

HEADING = ("FROM", "THEN", "WHEN", "STATE")


class Command(PortalCommand):
    """Exit codes: 0 well, 2 bad usage, 3 not found or refused."""

    help = "List, set and delete what starts when a job of a type has ended."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="list all chains")
        listing.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")
        setting = actions.add_parser("set", help="make a chain, or change the one between these types")
        deleting = actions.add_parser("delete", help="delete a chain; the jobs that it started stay")
        for action in (setting, deleting):
            action.add_argument("from_type", metavar="FROM", help="the slug of the type that ends")
            action.add_argument("to_type", metavar="TO", help="the slug of the type that starts then")
        setting.add_argument("--when", choices=Chain.When.values, default=Chain.When.SUCCESS.value,
                             help="after which ends (default: %(default)s)")  # fmt: skip
        setting.add_argument("--disabled", action="store_true", help="keep it, but start nothing")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        terminal = Terminal(self.stdout, self.stderr)
        with telling_problems():
            if action == "list":
                list_chains(terminal, as_json=options["as_json"])
            elif action == "set":
                set_chain(terminal, **options)
            else:
                remove_chain(terminal, **options)


def list_chains(terminal: Terminal, *, as_json: bool) -> None:
    shapes = [chain_shape(chain) for chain in Chain.objects.select_related("from_type", "to_type")]
    if as_json:
        terminal.write_json({"chains": shapes})
        return
    rows = [(one["from_type"], one["to_type"], one["when"], "on" if one["enabled"] else "off") for one in shapes]
    terminal.write("\n".join(table_lines(HEADING, rows)) if rows else "There is no chain.")


def set_chain(terminal: Terminal, *, from_type: str, to_type: str, when: str, disabled: bool, **_general: Any) -> None:
    first, then = find_type(from_type), find_type(to_type)
    before = Chain.objects.filter(from_type=first, to_type=then).select_related("from_type", "to_type").first()
    actor = terminal_user()
    save_chain(from_type=first, to_type=then, when=when, enabled=not disabled, chain=before, actor=actor)
    terminal.write(f"The chain from {from_type} to {to_type} is set.")


def remove_chain(terminal: Terminal, *, from_type: str, to_type: str, **_general: Any) -> None:
    chains = Chain.objects.select_related("from_type", "to_type")
    found = chains.filter(from_type=find_type(from_type), to_type=find_type(to_type)).first()
    if found is None:
        raise Chain.DoesNotExist(f"{from_type} does not start {to_type}; list chains with: manage.py chain list")
    delete_chain(found, actor=terminal_user())
    terminal.write(f"The chain from {from_type} to {to_type} is deleted.")
