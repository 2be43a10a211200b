"""The pages of API tokens: one's own, or all; a new one is shown once and works; another's is not to be had."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from syncjobs.models import ApiToken
from syncjobs.operations.tokens import create_token
from tests.portal.conftest import ATTACK, MakeStaff

LIST, ADD = "/admin/tokens/", "/admin/tokens/add/"
TYPED = {"name": f"Build {ATTACK}", "scopes": ["runs:read", "runs:write"], "days": "90"}


def make(owner: User, name: str = "made") -> ApiToken:
    return create_token(owner, name=name, scopes=["runs:read"], expires_at=None, actor="tests").token


def test_token_is_made_shown_once_and_works(portal: Client) -> None:
    made = portal.post(ADD, TYPED)
    (secret,) = set(re.findall(r"sdk_[A-Za-z0-9_-]{43}", made.content.decode()))
    assert "no-store" in made["Cache-Control"]
    assert Client().get("/api/v1/jobs/", headers={"Authorization": f"Token {secret}"}).status_code == 200
    page = portal.get(LIST).content.decode()
    assert secret not in page
    assert secret[:12] in page
    assert ATTACK not in page
    assert ATTACK not in made.content.decode()


@pytest.mark.parametrize("wrong", [{"name": ""}, {"scopes": []}, {"scopes": ["everything"]}, {"days": "7"}])
def test_wrong_token_is_refused_at_its_field(wrong: dict[str, object], portal: Client) -> None:
    response = portal.post(ADD, TYPED | wrong)
    assert (response.status_code, "Not made." in response.content.decode()) == (422, True)
    assert not ApiToken.objects.exists()


def test_revoking_asks_first_and_ends_the_token(portal: Client, admin: User) -> None:
    token = make(admin)
    address = f"{LIST}{token.pk}/revoke/"
    assert portal.get(address).status_code == 200
    token.refresh_from_db()
    assert token.revoked_at is None
    assert "is revoked" in portal.post(address, follow=True).content.decode()
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_staff_see_and_revoke_their_own_only(make_staff: MakeStaff, admin: User) -> None:
    token = make(admin, "of anna")
    staff = make_staff()
    assert "of anna" not in staff.get(LIST).content.decode()
    assert staff.post(f"{LIST}{token.pk}/revoke/").status_code == 404
    assert staff.post(ADD, TYPED).status_code == 200
    assert "Build" in staff.get(LIST).content.decode()
    overseer = make_staff("view_apitoken")
    assert "of anna" in overseer.get(LIST).content.decode()


def test_others_are_sent_to_the_login(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("no-staff"))
    assert [client.get(address).status_code for address in (LIST, ADD)] == [302, 302]


def test_list_asks_no_more_for_more_tokens(portal: Client, admin: User) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            portal.get(LIST)
        return len(queries)

    make(admin)
    few = count()
    for _ in range(5):
        make(admin)
    assert count() == few
