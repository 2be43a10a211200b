"""The OpenAPI document: without a warning, for every address, and shown without any outside host."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from syncjobs.api.urls import urlpatterns
from syncjobs.api.views import ApiView
from syncjobs.models import SyncJobType
from tests.api.conftest import Api, error_of


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


def test_document_is_valid_and_made_without_a_warning(document: dict[str, Any]) -> None:
    validate_schema(document)
    assert (dict(GENERATOR_STATS._warn_cache), dict(GENERATOR_STATS._error_cache)) == ({}, {})


def test_every_operation_has_words_a_name_and_its_refusals(document: dict[str, Any]) -> None:
    names = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names.append(operation["operationId"])
            assert all((operation["summary"], operation["description"])), (path, method)
            assert {"401", "403", "429", "503"} <= set(operation["responses"]), (path, method)
    assert len(set(names)) == len(names)


def test_every_address_says_who_may_and_is_described(document: dict[str, Any]) -> None:
    for pattern in urlpatterns:
        view: Any = getattr(getattr(pattern, "callback", None), "cls", None)
        if isinstance(view, type) and issubclass(view, ApiView):
            methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
            assert set(view.needs) == methods, view
            route = re.sub("<(int|slug|path):([^>]+)>", r"{\2}", str(pattern.pattern))
            assert f"/api/v1/{route}" in document["paths"]


def test_document_is_served_to_whoever_is_known(api: Api) -> None:
    response = api.client.get("/api/v1/schema/", headers={"Accept": "application/json"})
    assert response.json()["info"]["title"] == "Syncdeck"
    assert Client().get("/api/v1/schema/").status_code == 401


def test_docs_page_has_no_inline_script_or_style_and_no_outside_host(admin: User) -> None:
    browser = Client()
    stranger = browser.get("/api/v1/docs/")
    assert (stranger.status_code, error_of(stranger)["code"]) == (401, "unauthenticated")
    browser.force_login(admin)
    page = browser.get("/api/v1/docs/").content.decode()
    assert "<style" not in page
    assert "style=" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert page.count("<script") == page.count("<script src=") == 2
    script = browser.get("/api/v1/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert "/api/v1/schema/" in script.content.decode()


def test_document_tells_of_bodies_that_nothing_else_is_taken(document: dict[str, Any], api: Api) -> None:
    schemas = document["components"]["schemas"]
    bodies = [
        schemas[operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
        for operations in document["paths"].values()
        for operation in operations.values()
        if "requestBody" in operation
    ]
    assert len(bodies) > 20
    assert all(body["additionalProperties"] is False for body in bodies)
    assert error_of(api.post("chains/", {"other": 1}))["code"] == "unknown_field"


@pytest.mark.parametrize(
    ("header", "right", "wrong"),
    [
        ("If-Match", ['"3"', 'W/"3"', '"1", "3"', "*"], ["", "3", '"3', '"é"', '"1" "2"', '"3",']),
        ("Idempotency-Key", ["k", "a b", "x" * 255], ["", "é", "x" * 256, "a\tb"]),
    ],
    ids=["If-Match", "Idempotency-Key"],
)
def test_headers_are_told_as_they_are_read(
    header: str, right: list[str], wrong: list[str], document: dict[str, Any], api: Api, job_type: SyncJobType
) -> None:
    method, path = ("patch", "job-types/airports/") if header == "If-Match" else ("post", "job-types/airports/pause/")
    parameters = document["paths"][f"/api/v1/{path.replace('airports', '{slug}')}"][method]["parameters"]
    (pattern,) = (one["schema"]["pattern"] for one in parameters if one["name"] == header)
    for value in (*right, *wrong):
        is_told = re.search(pattern, value) is not None
        answer = getattr(api, method)(path, {}, **{header: value})
        assert is_told == (value in right), value
        assert is_told == (answer.status_code != 400), (value, answer.content)
