"""Writes docs/commands.md from the parsers: `python -m tests.commands.commands_page > docs/commands.md`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pkgutil import iter_modules

import django
from django.core.management import load_command_class

import connectors.management.commands
import syncjobs.management.commands

HEAD = """# Commands

Each is given to `manage.py`, as in `python manage.py sync list`. `python -m tests.commands.commands_page >
docs/commands.md` writes this page from the commands' own parsers, and a test compares both; `--help` says the same.

Exit codes: 0 well, 1 the job failed or something is wrong, 2 bad usage, 3 not found or a conflict, 130 Ctrl-C. With
`--json` a command prints one JSON object and nothing else to stdout. Jobs that commands start are jobs like any other.
"""
PACKAGES = {"connectors": connectors.management.commands, "syncjobs": syncjobs.management.commands}


def page() -> str:
    """The whole page."""
    named = sorted((info.name, app) for app, package in PACKAGES.items() for info in iter_modules(package.__path__))
    return "\n".join([HEAD, *(line for name, app in named for line in _command(app, name))])


def _command(app: str, name: str) -> Iterator[str]:
    parser = load_command_class(app, name).create_parser("manage.py", name)
    yield f"## {name}\n"
    yield f"{(parser.description or '').strip()}\n"
    yield from _parser(name, parser)


def _parser(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    subparsers = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    shown = [action for action in parser._actions if _is_own(action)]
    if not subparsers:
        yield f"`{' '.join([name, *map(_usage, shown)])}`\n"
    rows = [(_title(action), _words(action)) for action in shown]
    if rows:
        yield from ("| argument | meaning |", "|---|---|", *(f"| `{title}` | {words} |" for title, words in rows), "")
    for action in subparsers:
        helps = {choice.dest: choice.help for choice in action._choices_actions}
        for verb, below in action.choices.items():
            yield f"### {name} {verb}\n"
            yield f"{(below.description or _sentence(helps.get(verb) or '')).strip()}\n"
            yield from _parser(f"{name} {verb}", below)


def _is_own(action: argparse.Action) -> bool:
    """Not one of those that Django gives to every command."""
    common = {"help", "version", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color"}
    is_common = action.dest in common | {"skip_checks"}
    return not is_common and not isinstance(action, argparse._SubParsersAction) and action.help != argparse.SUPPRESS


def _title(action: argparse.Action) -> str:
    flags = ", ".join(action.option_strings)
    return f"{flags} {_value(action)}".strip().replace("|", "\\|")


def _usage(action: argparse.Action) -> str:
    if not action.option_strings:
        return _value(action) if action.nargs not in ("?", "*") else f"[{_value(action)}]"
    text = f"{action.option_strings[-1]} {_value(action)}".strip()
    return text if action.required else f"[{text}]"


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    name = str(action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper()))
    return f"{name}..." if action.nargs in ("+", "*") else name


def _words(action: argparse.Action) -> str:
    text = (action.help or "") % {"default": action.default, "prog": "manage.py"}
    return _sentence(text).replace("|", "\\|")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "." if text else ""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    print(page(), end="")  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
