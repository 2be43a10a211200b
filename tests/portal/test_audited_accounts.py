"""Users, groups, passwords and sign-ins leave one audit entry each, without any password."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from syncjobs.models import AuditEvent

pytestmark = pytest.mark.django_db
PASSWORD = f"canary-{uuid.uuid4()}"


def told() -> list[tuple[Any, ...]]:
    """The entries since the beginning, which is a sign-in."""
    assert PASSWORD not in "".join(str(entry.__dict__) for entry in AuditEvent.objects.all())
    columns = ("verb", "who", "door", "object_type", "object_name")
    return list(AuditEvent.objects.order_by("id").values_list(*columns))[1:]


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root", password=PASSWORD))
    return client


def test_a_user_made_changed_and_deleted_at_the_portal(root: Client) -> None:
    form = {"username": "ann", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert root.post("/admin/auth/user/add/", form).status_code == 302
    ann, group = User.objects.get(username="ann"), Group.objects.create(name="Night shift")
    form = {"username": "ann", "is_active": "on", "is_staff": "on", "groups": str(group.pk), "email": ""}
    assert root.post(f"/admin/auth/user/{ann.pk}/change/", form).status_code == 302
    entry = AuditEvent.objects.first()
    assert entry is not None
    assert entry.before == {"is_staff": False, "groups": []}
    assert entry.after == {"is_staff": True, "groups": ["Night shift"]}
    assert entry.ip == "127.0.0.1"
    assert len(entry.request_id) == 32
    passwords = {"password1": f"{PASSWORD}2", "password2": f"{PASSWORD}2", "usable_password": "true"}
    assert root.post(f"/admin/auth/user/{ann.pk}/password/", passwords).status_code == 302
    assert root.post(f"/admin/auth/user/{ann.pk}/delete/", {"post": "yes"}).status_code == 302
    verbs = ["user.create", "user.update", "user.password", "user.delete"]
    assert told() == [(verb, "root", "portal", "user", "ann") for verb in verbs]


def test_a_group_made_changed_and_deleted_in_bulk(root: Client) -> None:
    root.post("/admin/auth/group/add/", {"name": "Nights"})
    group = Group.objects.get(name="Nights")
    root.post(f"/admin/auth/group/{group.pk}/change/", {"name": "Days"})
    chosen = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
    root.post("/admin/auth/group/", chosen)
    assert not Group.objects.exists()
    assert [entry[0] for entry in told()] == ["group.create", "group.update", "group.delete"]


def test_what_is_refused_leaves_no_entry(root: Client) -> None:
    root.post("/admin/auth/user/add/", {"username": "", "password1": PASSWORD, "password2": PASSWORD})
    root.post("/admin/auth/user/x/password/", {"password1": PASSWORD, "password2": PASSWORD})
    root.post("/admin/password_change/", {"old_password": "wrong", "new_password1": "x", "new_password2": "x"})
    assert told() == []


def test_one_s_own_new_password(root: Client) -> None:
    form = {"old_password": PASSWORD, "new_password1": f"{PASSWORD}2", "new_password2": f"{PASSWORD}2"}
    assert root.post("/admin/password_change/", form).status_code == 302
    assert told() == [("user.password", "root", "portal", "user", "root")]


def test_sign_ins_that_succeed_and_fail_and_the_way_out(root: Client) -> None:
    visitor = Client()
    visitor.post("/admin/login/", {"username": "root", "password": "a wrong one"})
    visitor.post("/admin/login/", {"username": PASSWORD, "password": "typed into the wrong field"})
    visitor.post("/admin/login/", {"username": "root", "password": PASSWORD})
    visitor.post("/admin/logout/")
    assert told() == [
        ("login.fail", "root", "portal", "user", "root"),
        ("login.fail", "unknown", "portal", "installation", ""),
        ("login", "root", "portal", "user", "root"),
        ("logout", "root", "portal", "user", "root"),
    ]
