"""audit/: its scope and permission, its filters and pages."""

from __future__ import annotations

from typing import Any

import pytest

from syncjobs.models import AuditEvent, SyncJobType
from syncjobs.scopes import AUDIT_READ, CONFIG_READ
from tests.api.conftest import Api, MakeApi

pytestmark = pytest.mark.django_db


def test_a_change_by_api_is_told_with_person_token_address_and_request(api: Api, job_type: SyncJobType) -> None:
    done = api.post(f"job-types/{job_type.slug}/pause/", **{"X-Request-ID": "asked-for-by-a-test"})
    assert done.status_code == 200
    found = api.get("audit/", verb="job_type.pause").json()["results"]
    assert len(found) == 1
    entry = found[0]
    assert (entry["who"], entry["door"], entry["ip"]) == ("anna", "api", "127.0.0.1")
    assert entry["request_id"] == "asked-for-by-a-test"
    assert entry["token"].startswith("sdk_")
    assert entry["object"] == {"type": "job_type", "id": job_type.pk, "name": job_type.slug}
    assert (entry["before"], entry["after"]) == ({"paused": False}, {"paused": True})
    assert api.get(f"audit/{entry['id']}/").json() == entry


def test_the_audit_needs_its_own_scope_and_its_own_permission(make_api: MakeApi) -> None:
    assert make_api("view_auditevent", scopes=(AUDIT_READ,)).get("audit/").status_code == 200
    assert make_api("view_auditevent", scopes=(CONFIG_READ,)).get("audit/").status_code == 403
    assert make_api("view_syncjob", scopes=(AUDIT_READ,)).get("audit/1/").status_code == 403


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({"who": "tests", "verb": "token.create"}, 1),
        ({"door": "portal"}, 0),
        ({"object_type": "token", "object_id": 987_654}, 0),
        ({"since": "2000-01-01T00:00Z", "verb": "token.create"}, 1),
        ({"until": "2000-01-01T00:00Z"}, 0),
        ({"since": "0001-01-01T00:00Z", "until": "9999-12-31T23:59Z", "verb": "token.create"}, 1),
        ({"search": "tests", "object_type": "token"}, 1),
    ],
)
def test_filters(api: Api, query: dict[str, Any], number: int) -> None:
    assert len(api.get("audit/", **query).json()["results"]) == number


def test_pages_and_the_unknown_entry(api: Api, job_type: SyncJobType) -> None:
    first = api.get("audit/", page_size=1).json()
    assert first["results"][0]["id"] == AuditEvent.objects.latest("id").pk
    second = api.client.get(first["next"]).json()
    assert second["results"][0]["id"] < first["results"][0]["id"]
    assert api.get("audit/99999999999/").status_code == 404
    assert api.get("audit/", colour="red").status_code == 400
    assert api.post("audit/").status_code == api.delete("audit/1/").status_code == 405
