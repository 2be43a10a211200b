"""Writes docs/roles.md from the roles: `python -m tests.operations.roles_page > docs/roles.md`."""

from __future__ import annotations

import os
import sys

import django
from django.apps import apps

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

from syncjobs.operations.roles import RIGHTS, ROLES

HEAD = """# Who may do what

`manage.py seed_defaults` (which `up` runs at each start) makes four groups. Put people into one of them, or into
groups of your own. Whoever uses the portal is staff (`is_staff`); a superuser may do everything.

`python -m tests.operations.roles_page > docs/roles.md` writes this page from `syncjobs/operations/roles.py`, and a
test compares both. `tests/access/expected.txt` has what every address answers to whom, by every method.
"""
FOOT = """
Whoever is staff may sign in, change their password, and have API tokens. A token never may do more than its owner,
nor more than its scopes ([API](api.md)).

## Rights of their own

- **Custom queries** (`sql_edit`): a query is code that a source runs. Without the right a type that has one can be
  saved only with the query as it was, on the same source.
- **Approving** (`approve_syncjob`): who may run jobs need not be the one who may let them pass a guard.
- **Credentials** (`set_credentials`): without it credentials stay as they are, and so do the settings of a
  connector that has some, since these say to whom they are sent.
- **Who sees what** (`grant_connector`): see below. Whoever has it sees every connector.
- **The audit** (`view_auditevent`).

## Roles that you edit

A group that somebody edited is never overwritten. Where a later release brings new permissions, a group that is as
it was made gets them at the next `seed_defaults`; of an edited one the command says which it lacks, and you give
them on the group's page if you want to. A role that you deleted is not made again.

## Grants of connectors

A connector without grants is open to everybody whose role lets them see connectors. Once it is granted to groups
(on its page under "Who may see it", by the API's field `grants`, or in a configuration file), it is there only for
their members and for those who may grant. For everybody else neither it is there nor what hangs on it: the job
types that read from it or write to it, or whose documents are its own (`slug/stream`), and their jobs, changes,
rejects, logs, failures, record histories, schedules, figures, searches and downloads. All of that answers 404, as
if it did not exist.

- A grant says what somebody sees, a role what they may do there. Nobody can point a type at a connector that is
  hidden from them.
- A type goes with its connectors of today. Whoever points it at another connector takes its whole history along;
  make a new type if others must not see the old one's.
- Slugs are unique for all, so a slug that is taken by something hidden is refused.
- A group that holds a grant cannot be deleted: with its last grant a connector would open to everybody.
- Commands are run by whoever may use the machine, and see everything.
"""


def page() -> str:
    """The whole page."""
    lines = [f"| | {' | '.join(ROLES)} | permissions |", f"|---|{'---|' * (len(ROLES) + 1)}"]
    for right in RIGHTS:
        marks = ["yes" if ROLES.index(role) >= ROLES.index(right.role) else "" for role in ROLES]
        codes = ", ".join(f"`{code.partition('.')[2]}`" for code in right.permissions)
        lines.append(f"| {right.words} | {' | '.join(marks)} | {codes} |")
    return "\n".join([HEAD, *lines, FOOT])


if __name__ == "__main__":
    sys.stdout.write(page())
