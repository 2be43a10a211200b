"""People, tokens, a type and jobs for the API's tests. Rows are made by operations where there is one for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.test import Client

from connectors.models import Connector
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, run_job_type, save_job_type
from syncjobs.operations.tokens import create_token
from syncjobs.scopes import SCOPES
from syncjobs.statuses import Trigger

CONNECTOR_SECRET = "kestrel-9f2c77aa"  # a reference would need an environment
STREAM = {"source": "airports", "target": "airports", "key": ["icao"], "mode": "upsert", "extent": "full"}


class Api:
    """Somebody who asks with a token."""

    def __init__(self, token: str, scheme: str = "Token") -> None:
        self.client = Client(headers={"Authorization": f"{scheme} {token}"}, raise_request_exception=False)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(
            f"/api/v1/{path}", {} if body is None else body, content_type="application/json", headers=headers
        )

    def post_raw(self, path: str, body: bytes, content_type: str = "application/json", **headers: str) -> Any:
        return self.client.post(f"/api/v1/{path}", body, content_type=content_type, headers=headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.client.patch(f"/api/v1/{path}", body, content_type="application/json", headers=headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.client.delete(f"/api/v1/{path}", headers=headers)


MakeApi = Callable[..., Api]


@pytest.fixture(autouse=True)
def unlimited(settings: LazySettings) -> None:
    """Requests are counted where a test says so."""
    settings.API_REQUESTS_PER_MINUTE = {"read": None, "write": None}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("anna", "anna@example.org", "a-good-password")


def secret_of(owner: User, *scopes: str) -> str:
    """A new token of theirs, with all scopes where none is named."""
    made = create_token(owner, name="tests", scopes=scopes or list(SCOPES), expires_at=None, actor="tests")
    return made.secret


@pytest.fixture
def api(admin: User) -> Api:
    """An administrator's program that may do everything."""
    return Api(secret_of(admin))


@pytest.fixture
def make_api(db: None) -> MakeApi:
    """Makes a program of a person with exactly these permissions; `scopes` limits its token."""

    def make(*codenames: str, scopes: tuple[str, ...] = ()) -> Api:
        user = User.objects.create_user(f"user{User.objects.count()}")
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        return Api(secret_of(user, *scopes))

    return make


def make_connectors() -> list[Connector]:
    soda = {"base_url": "http://127.0.0.1:9", "datasets": {"airports": "aaaa-bbbb"}}
    shapes = [
        {"slug": "open-data", "kind": "soda", "config": soda, "credentials": {"app_token": CONNECTOR_SECRET}},
        {"slug": "store", "kind": "sqlite", "config": {"path": "api-store.sqlite3"}},
    ]
    return [save_connector(connector_from_shape(shape)) for shape in shapes]


def make_job_type(slug: str = "airports", **values: Any) -> SyncJobType:
    shape: dict[str, Any] = {"slug": slug, "name": slug.title(), "config": {"streams": [dict(STREAM)]}}
    shape |= {"source_connector": "open-data", "target_connector": "store"}
    return save_job_type(job_type_from_shape(shape | values), actor="anna")


@pytest.fixture
def job_type(db: None) -> SyncJobType:
    make_connectors()
    return make_job_type()


@pytest.fixture
def queued(job_type: SyncJobType) -> SyncJob:
    return run_job_type(job_type, trigger=Trigger.MANUAL, actor="anna")


def error_of(response: Any) -> dict[str, Any]:
    """The problem, of which every part must be there."""
    assert response["Content-Type"] == "application/json", response.content[:300]
    (name, error), *others = response.json().items()
    assert (name, others) == ("error", [])
    assert set(error) >= {"code", "message", "fields", "request_id"}
    assert error["request_id"] == response["X-Request-ID"]
    told: dict[str, Any] = error
    return told
