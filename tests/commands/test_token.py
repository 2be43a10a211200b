"""`manage.py token` as a person and a script meet it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.api.conftest import Api
from tests.commands.conftest import Ask


@pytest.fixture(autouse=True)
def anna(transactional_db: None) -> User:
    return User.objects.create_superuser("anna")


def test_token_is_shown_once_works_and_ends_when_revoked(ask: Ask) -> None:
    said = ask("token", "create", "anna", "--scopes", "runs:read", "--name", "CI")
    secret = said.output.strip()
    assert (said.code, "shown once" in said.errors) == (0, True)
    assert Api(secret).get("jobs/").status_code == 200
    listed = ask("token", "list").output
    assert secret not in listed
    assert all(word in listed for word in ("anna", "active", "runs:read", "CI"))
    assert ask("token", "revoke", secret[:12]).code == 0
    assert Api(secret).get("jobs/").status_code == 401
    assert ask("token", "list", "--json").json["tokens"][0]["state"] == "revoked"


def test_days_say_when_it_expires(ask: Ask) -> None:
    assert ask("token", "create", "anna", "--scopes", "runs:read", "--days", "0", "--json").json["expires_at"] is None
    assert ask("token", "create", "anna", "--scopes", "runs:read", "--json").json["expires_at"] is not None
    for days in ("-1", "99999999999"):
        assert ask("token", "create", "anna", "--scopes", "runs:read", "--days", days).code == 2


def test_what_is_not_there_is_told(ask: Ask) -> None:
    assert ask("token", "create", "bert", "--scopes", "runs:read").code == 3
    assert ask("token", "create", "anna", "--scopes", "everything").code == 2
    assert ask("token", "create", "anna").code == 2
    for token in ("7", "9" * 30, "sdk_nope"):
        assert ask("token", "revoke", token).code == 3
    assert ask("token", "list").output == "There is no token.\n"
