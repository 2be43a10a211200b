"""The four groups: what they hold, and that nobody's own edit is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission

from syncjobs.operations import roles
from syncjobs.operations.roles import EDITOR, OPERATOR, ROLES, VIEWER, permissions_of, seed_roles
from tests.operations.roles_page import page

pytestmark = pytest.mark.django_db


def held_by(role: str) -> set[str]:
    rows = Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{code}" for app, code in rows}


def test_every_permission_of_a_role_is_one_that_there_is() -> None:
    rows = Permission.objects.values_list("content_type__app_label", "codename")
    assert permissions_of(ROLES[-1]) <= {f"{app}.{code}" for app, code in rows}


def test_the_roles_are_made_once_and_hold_what_they_are_told_to() -> None:
    assert seed_roles() == [f"Made the group {role}." for role in ROLES]
    assert seed_roles() == []
    assert {role: held_by(role) for role in ROLES} == {role: permissions_of(role) for role in ROLES}
    assert not any(code.split(".")[1].startswith(("add", "change", "delete")) for code in held_by(VIEWER))
    assert held_by(OPERATOR) - held_by(VIEWER) == {"syncjobs.change_syncjob"}
    separate = {"syncjobs.sql_edit", "syncjobs.approve_syncjob", "connectors.set_credentials"}
    assert not held_by(EDITOR) & separate


def test_a_group_that_somebody_edited_or_deleted_stays_so_and_what_it_lacks_is_told() -> None:
    seed_roles()
    Group.objects.get(name=EDITOR).permissions.remove(Permission.objects.get(codename="delete_syncjob"))
    Group.objects.get(name=VIEWER).delete()
    (told,) = seed_roles()
    assert told == "The group Editor was edited and is left as it is. As it comes it also has syncjobs.delete_syncjob."
    assert "syncjobs.delete_syncjob" not in held_by(EDITOR)
    assert not Group.objects.filter(name=VIEWER).exists()


def test_a_group_of_that_name_that_was_there_before_is_somebodys_own() -> None:
    Group.objects.create(name=OPERATOR)
    assert any("Operator was edited" in told for told in seed_roles())
    assert held_by(OPERATOR) == set()


def test_a_role_of_an_earlier_release_is_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    now = roles.RIGHTS
    monkeypatch.setattr(roles, "RIGHTS", tuple(right for right in now if right.role != EDITOR))
    seed_roles()
    monkeypatch.setattr(roles, "RIGHTS", now)
    assert seed_roles() == ["Brought up to date: the group Editor.", "Brought up to date: the group Administrator."]
    assert held_by(EDITOR) == permissions_of(EDITOR)


def test_the_page_of_the_roles_is_what_they_are() -> None:
    """Write it anew by `python -m tests.operations.roles_page > docs/roles.md`."""
    assert Path("docs/roles.md").read_text(encoding="utf-8") == page()
