"""What every command of ours is: a door of its own, at which whoever sits at the terminal asks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from syncjobs.asking import Asker, Door, asking
from syncjobs.management.identities import terminal_user


class PortalCommand(BaseCommand):
    """A command whose changes the audit knows as asked for at a terminal."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        with asking(Asker(Door.CLI, terminal_user())):
            return super().execute(*args, **options)
