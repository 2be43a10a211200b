"""Tokens through the API: made by signed-in people only, shown once, revoked, each person's own."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from syncjobs.models import ApiToken
from tests.api.conftest import Api, error_of, secret_of

TOKENS = "/api/v1/tokens/"


@pytest.fixture
def browser(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def make(browser: Client, **body: object) -> dict[str, object]:
    given = {"name": "CI", "scopes": ["runs:read", "runs:write"]} | body
    response = browser.post(TOKENS, given, content_type="application/json")
    assert response.status_code == 201, response.content
    assert response["Cache-Control"] == "no-store"
    made: dict[str, object] = response.json()
    return made


def test_a_person_makes_a_token_that_works_and_is_shown_once(browser: Client) -> None:
    made = make(browser)
    token = str(made["token"])
    assert token.startswith(str(made["prefix"]))
    assert Api(token).get("jobs/").status_code == 200
    listed = browser.get(TOKENS)
    assert token not in listed.content.decode()
    assert [row["name"] for row in listed.json()["results"]] == ["CI"]
    assert made["state"] == "active"
    assert made["expires_at"] is not None
    assert make(browser, expires_at=None)["expires_at"] is None


def test_revoked_token_ends_at_once(browser: Client) -> None:
    made = make(browser)
    assert browser.delete(f"{TOKENS}{made['id']}/").status_code == 204
    assert Api(str(made["token"])).get("jobs/").status_code == 401
    assert browser.get(TOKENS).json()["results"][0]["state"] == "revoked"


def test_no_token_makes_or_lists_tokens(api: Api) -> None:
    for response in (api.post("tokens/", {"name": "x", "scopes": ["runs:read"]}), api.get("tokens/")):
        assert (response.status_code, "No token" in error_of(response)["message"]) == (403, True)
    assert ApiToken.objects.count() == 1


def test_tokens_of_others_are_not_there(browser: Client) -> None:
    secret_of(User.objects.create_user("bert"))
    other = ApiToken.objects.get()
    assert browser.get(TOKENS).json()["results"] == []
    assert browser.delete(f"{TOKENS}{other.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9999-01-01T00:00:00Z"}, "expires_at"),
        ({"owner": 1}, "owner"),
    ],
)
def test_wrong_token_is_refused_by_field(body: dict[str, object], field: str, browser: Client) -> None:
    given = {"name": "CI", "scopes": ["runs:read"]} | body
    response = browser.post(TOKENS, given, content_type="application/json")
    assert (response.status_code, list(error_of(response)["fields"])) == (400, [field])
    assert not ApiToken.objects.exists()
