"""Who asks: one browser for each role, and one program for each scope of a token."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.test import Client

from connectors.models import Connector
from syncjobs.operations.grants import set_grants
from syncjobs.operations.roles import ADMINISTRATOR, EDITOR, OPERATOR, VIEWER, seed_roles
from syncjobs.operations.tokens import create_token
from syncjobs.scopes import SCOPES

INSIDERS = "Insiders"
GROUPS = {
    "viewer": (VIEWER, INSIDERS),
    "operator": (OPERATOR, INSIDERS),
    "editor": (EDITOR, INSIDERS),
    "administrator": (ADMINISTRATOR,),
    "staff": (),
    "restricted": (VIEWER,),
    "outsider": (EDITOR,),
}
"""All connectors are granted to the insiders: for `restricted` and `outsider` none is there, nor what hangs on it."""
ROLES = ("anonymous", *GROUPS)
PROGRAMS = tuple(SCOPES)
"""An administrator's token with one scope each, for the addresses of the API."""


def make_people(*, checks_csrf: bool = False) -> dict[str, Client]:
    """A browser for each role, none of whom is a superuser."""
    seed_roles()
    Group.objects.get_or_create(name=INSIDERS)
    for connector in Connector.objects.all():
        set_grants(connector, [INSIDERS])
    clients = {"anonymous": _browser(checks_csrf)}
    for role, groups in GROUPS.items():
        user = User.objects.create(username=role, is_staff=True)
        user.groups.set(Group.objects.filter(name__in=groups))
        clients[role] = _browser(checks_csrf)
        clients[role].force_login(user)
    return clients


def _browser(checks_csrf: bool) -> Client:
    return Client(enforce_csrf_checks=checks_csrf, raise_request_exception=False)


def make_programs(owner: User) -> dict[str, Client]:
    """A program for each scope."""
    found = {}
    for scope in PROGRAMS:
        made = create_token(owner, name=scope, scopes=[scope], expires_at=None, actor="tests")
        found[scope] = Client(headers={"Authorization": f"Token {made.secret}"}, raise_request_exception=False)
    return found
