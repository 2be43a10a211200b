"""Every operation of the OpenAPI document under nasty values: no 5xx, no status that the document does not name."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from syncjobs.models import Schedule, SyncJob, SyncJobType
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Crontab
from tests.api.conftest import Api, error_of

ROUNDS = 12
NUMBERS = [0, 1, -1, 2**31, 2**63 - 1, -(2**63), 1.5, True, 1e300]
DATES = [
    *("2026-01-01", "0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"),
    *("2026-02-30", "2026-01-01T00:00", "-1", "infinity", "1" * 30, "2026-01-01T24:00:00Z", "2026-13-01T00:00:00Z"),
]
TEXTS = [
    *(
        "",
        " ",
        "x",
        "airports",
        "../../x",
        "a/b",
        "a\nb",
        "<script>",
        "‮rtl",
        "é" * 300,
        "'; DROP TABLE x;--",
        "%s",
        "{{7*7}}",
    ),
    *(
        "runs:read",
        "queued",
        "insert",
        "default",
        "true",
        "null",
        "-id",
        "id",
        "50",
        "[]",
        '{"icao": 1}',
        '{"a": [1e999]}',
    ),
    *('{"icao": 99999999999999999999999}', "\\", '"', "[" * 500, "😀", "\x7f"),
]
ANYTHING: list[Any] = [*NUMBERS, *DATES, *TEXTS, None, [], {}, [None], {"a": {"b": [1]}}, ["airports"], ["x"] * 200]


def document() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


DOCUMENT = document()
OPERATIONS = [
    (path, method)
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
    if "sync/test" not in path and "tokens" not in path  # one asks another system, the other wants a session
]


def body_fields(operation: dict[str, Any]) -> list[str]:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema.get("properties", {}))


@pytest.fixture
def schedule(job_type: SyncJobType) -> Schedule:
    return save_schedule(job_type=job_type, name="daily", rule=Crontab("8", "2"), actor="anna")


def ask(api: Api, path: str, method: str, chance: random.Random, job: SyncJob, schedule: Schedule) -> tuple[Any, str]:
    """One request with a few nasty values, at addresses that mostly exist."""
    operation = DOCUMENT["paths"][path][method]
    address = path
    for name, right in (
        ("job_id", job.pk),
        ("slug", "store" if "/connectors/" in path else "airports"),
        ("name", "airports"),
        ("schedule_id", schedule.pk),
        ("reject_id", 1),
        ("number", 1),
        ("fingerprint", "f"),
    ):
        address = address.replace(f"{{{name}}}", str(right if chance.random() < 0.9 else 2**70))
    names = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
    query = {name: str(chance.choice(ANYTHING)) for name in names if chance.random() < 0.3}
    body = {name: chance.choice(ANYTHING) for name in body_fields(operation) if chance.random() < 0.2}
    if "job_type" in body and chance.random() < 0.7:
        body["job_type"] = "airports"
    told = f"{method} {address} {query} {json.dumps(body)[:300]}"
    if method == "get":
        return api.client.get(address, query), told
    headers = {"If-Match": "*"} if chance.random() < 0.8 else {}
    made = getattr(api.client, method)(address, json.dumps(body), content_type="application/json", headers=headers)
    return made, told


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_no_value_breaks_an_operation(path: str, method: str, api: Api, queued: SyncJob, schedule: Schedule) -> None:
    chance = random.Random(f"{path} {method}")  # noqa: S311 - the same values in each run
    documented = set(DOCUMENT["paths"][path][method]["responses"])
    for _ in range(ROUNDS):
        response, told = ask(api, path, method, chance, queued, schedule)
        assert response.status_code < 500, f"{told}: {response.content[:300]!r}"
        assert str(response.status_code) in documented, told
        if response.status_code >= 400:
            error_of(response)
