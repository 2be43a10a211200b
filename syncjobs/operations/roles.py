"""The roles: four groups and their permissions, which are seeded; a group that somebody edited is left alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from syncjobs.models import SeededDefault
from syncjobs.operations.accounts import account_values, record_account_saved
from syncjobs.operations.seeds import digest, find_seeded, remember

VIEWER, OPERATOR, EDITOR, ADMINISTRATOR = "Viewer", "Operator", "Editor", "Administrator"
KIND = SeededDefault.Kind.ROLE


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that somebody may do, in words, the permissions that it takes, and the least role that has it."""

    words: str
    role: str
    permissions: tuple[str, ...]


def _of(model: str, *verbs: str) -> tuple[str, ...]:
    app, name = model.split(".")
    return tuple(f"{app}.{verb}_{name}" for verb in verbs)


EDITING = ("add", "change", "delete")
RIGHTS = (
    Right("See jobs with their changes, rejects, failures and logs", VIEWER, _of("syncjobs.syncjob", "view")),
    Right("See job types", VIEWER, _of("syncjobs.syncjobtype", "view")),
    Right("See connectors, never their credentials", VIEWER, _of("connectors.connector", "view")),
    Right("See schedules", VIEWER, _of("syncjobs.schedule", "view")),
    Right("See workers and queues", VIEWER, _of("syncjobs.workerseen", "view")),
    Right(
        "Run types; start, pause, resume, retry, restart, cancel, apply and revert jobs; replay and dismiss rejects",
        OPERATOR,
        _of("syncjobs.syncjob", "change"),
    ),
    Right("Delete jobs", EDITOR, _of("syncjobs.syncjob", "delete")),
    Right(
        "Make, edit, pause, resume and delete job types, their webhooks and chains",
        EDITOR,
        _of("syncjobs.syncjobtype", *EDITING),
    ),
    Right("Make, edit, test and delete connectors", EDITOR, _of("connectors.connector", *EDITING)),
    Right("See sample rows of connectors", EDITOR, _of("connectors.connector", "sample")),
    Right("Make, edit, switch and delete schedules", EDITOR, _of("syncjobs.schedule", *EDITING)),
    Right("Write custom queries", ADMINISTRATOR, ("syncjobs.sql_edit",)),
    Right("Approve held jobs and plans", ADMINISTRATOR, ("syncjobs.approve_syncjob",)),
    Right("Set credentials of connectors", ADMINISTRATOR, ("connectors.set_credentials",)),
    Right("Say who may see which connectors, and see all of them", ADMINISTRATOR, ("connectors.grant_connector",)),
    Right("Make, edit and delete users", ADMINISTRATOR, _of("auth.user", "view", *EDITING)),
    Right("Make, edit and delete groups", ADMINISTRATOR, _of("auth.group", "view", *EDITING)),
    Right("See and revoke everybody's API tokens", ADMINISTRATOR, _of("syncjobs.apitoken", "view")),
    Right("Read the audit", ADMINISTRATOR, _of("syncjobs.auditevent", "view")),
)
ROLES = (VIEWER, OPERATOR, EDITOR, ADMINISTRATOR)
"""Each may do what those before it may, too."""


def permissions_of(role: str) -> set[str]:
    """What its group is given, such as "syncjobs.view_syncjob"."""
    lesser = ROLES[: ROLES.index(role) + 1]
    return {permission for right in RIGHTS if right.role in lesser for permission in right.permissions}


@transaction.atomic
def seed_roles() -> list[str]:
    """Make the groups, or bring them up to date where nobody touched them; returns a sentence for each thing told."""
    by_code = {_code(row): row for row in Permission.objects.select_related("content_type")}
    return [told for role in ROLES if (told := _seed_role(role, by_code))]


def _seed_role(role: str, by_code: dict[str, Permission]) -> str:
    wanted = permissions_of(role) & by_code.keys()
    group, seeded = Group.objects.filter(name=role).first(), find_seeded(KIND, role)
    if group is None:
        return "" if seeded else _give(role, wanted, by_code, "Made")
    present = {_code(row) for row in group.permissions.select_related("content_type")}
    if present == wanted:
        return ""
    if seeded is None or seeded.digest != _digest(present):
        return _left_alone(role, wanted - present)
    return _give(role, wanted, by_code, "Brought up to date:")


def _give(role: str, wanted: set[str], by_code: dict[str, Permission], verb: str) -> str:
    group, is_new = Group.objects.get_or_create(name=role)
    before = None if is_new else account_values(group)
    group.permissions.set([by_code[code] for code in sorted(wanted)])
    record_account_saved(group, before)
    remember(KIND, role, _digest(wanted), 1)
    return f"{verb} the group {role}."


def _left_alone(role: str, lacks: set[str]) -> str:
    if not lacks:
        return ""
    return f"The group {role} was edited and is left as it is. As it comes it also has {', '.join(sorted(lacks))}."


def _digest(codes: Iterable[str]) -> str:
    return digest(sorted(codes))


def _code(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"
