"""Webhooks and chains by the API: the same operations as the portal's, secrets shown once."""

from __future__ import annotations

from typing import Any

import pytest

from syncjobs.models import AuditEvent, Chain, SyncJobType, Webhook
from tests.api.conftest import MakeApi, error_of
from tests.lifecycle.factories import JobTypeFactory


@pytest.fixture
def types(db: None) -> list[SyncJobType]:
    return [JobTypeFactory.create(slug=slug, name=slug.title()) for slug in ("extract", "load")]


def test_webhook_is_made_rotated_switched_and_deleted(api: Any, types: list[SyncJobType]) -> None:
    made = api.post("webhooks/", {"job_type": "extract", "name": "Shop", "context_fields": ["order"]})
    told, one = made.json(), f"webhooks/{made.json()['id']}/"
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    assert Webhook.objects.get().secrets.reveal() == {"current": told["secret"]}
    assert told["address"].endswith(Webhook.objects.get().path)
    rotated = api.post(f"{one}rotate/", {"hours": 2}).json()
    assert Webhook.objects.get().secrets.reveal() == {"current": rotated["secret"], "previous": told["secret"]}
    read = api.get(one)
    assert told["secret"] not in read.content.decode()
    assert Webhook.objects.get().public_id not in read.content.decode()
    assert api.post(f"{one}switch/", {"enabled": False}).json()["enabled"] is False
    assert api.delete(one).status_code == 428
    assert api.delete(one, **{"If-Match": "*"}).status_code == 204
    assert api.get(one).status_code == 404


def test_chain_is_made_switched_listed_and_deleted(api: Any, types: list[SyncJobType]) -> None:
    made = api.post("chains/", {"from_type": "extract", "to_type": "load", "when": "change"})
    one = f"chains/{made.json()['id']}/"
    assert made.status_code == 201
    assert api.post(f"{one}switch/", {"enabled": False}).json()["enabled"] is False
    assert [row["to_type"] for row in api.get("chains/?from_type=extract").json()["results"]] == ["load"]
    assert api.get("chains/?from_type=load").json()["results"] == []
    assert api.delete(one, **{"If-Match": '"1"'}).status_code == 412
    assert api.delete(one, **{"If-Match": '"2"'}).status_code == 204
    assert not Chain.objects.exists()


def test_webhook_is_changed_as_it_was_read_and_keeps_its_secret(api: Any, types: list[SyncJobType]) -> None:
    values = {"job_type": "extract", "name": "Shop", "context_fields": ["order"], "endpoints_field": "tables"}
    secret = api.post("webhooks/", values).json()["secret"]
    webhook = Webhook.objects.get()
    one, tag = f"webhooks/{webhook.pk}/", api.get(f"webhooks/{webhook.pk}/")["ETag"]
    assert api.patch(one, {"name": "Till"}).status_code == 428
    changed = api.patch(one, {"name": "Till", "endpoints_field": ""}, **{"If-Match": tag})
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    told = changed.json()
    assert (told["name"], told["endpoints_field"], told["context_fields"]) == ("Till", "", ["order"])
    assert api.patch(one, {"enabled": False}, **{"If-Match": tag}).status_code == 412
    assert api.patch(one, {"job_type": "load"}, **{"If-Match": "*"}).status_code == 400
    webhook.refresh_from_db()
    assert (webhook.enabled, webhook.job_type.slug, webhook.secrets.reveal()) == (True, "extract", {"current": secret})
    entry = AuditEvent.objects.get(verb="webhook.update")
    assert [told and told["name"] for told in (entry.before, entry.after)] == ["Shop", "Till"]


def test_chain_is_changed_as_it_was_read(api: Any, types: list[SyncJobType]) -> None:
    JobTypeFactory.create(slug="report", name="Report")
    one = f"chains/{api.post('chains/', {'from_type': 'extract', 'to_type': 'load'}).json()['id']}/"
    tag = api.get(one)["ETag"]
    assert api.patch(one, {"when": "always"}).status_code == 428
    changed = api.patch(one, {"when": "always", "to_type": "report"}, **{"If-Match": tag})
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    assert (changed.json()["from_type"], changed.json()["to_type"], changed.json()["when"]) == (
        "extract",
        "report",
        "always",
    )
    assert api.patch(one, {"enabled": False}, **{"If-Match": tag}).status_code == 412
    ring = api.patch(one, {"to_type": "extract"}, **{"If-Match": "*"})
    assert "would start itself" in error_of(ring)["fields"]["to_type"][0]
    entry = AuditEvent.objects.get(verb="chain.update")
    assert [told and told["when"] for told in (entry.before, entry.after)] == ["success", "always"]


def test_ring_is_refused_with_its_path(api: Any, types: list[SyncJobType]) -> None:
    api.post("chains/", {"from_type": "extract", "to_type": "load"})
    answer = api.post("chains/", {"from_type": "load", "to_type": "extract"})
    assert answer.status_code == 400
    assert "load → extract → load" in error_of(answer)["fields"]["to_type"][0]


@pytest.mark.parametrize(
    ("address", "body"),
    [("webhooks", {"job_type": "extract", "name": "Shop"}), ("chains", {"from_type": "extract", "to_type": "load"})],
    ids=["webhook", "chain"],
)
def test_who_may_only_see_types_makes_neither(
    make_api: MakeApi, types: list[SyncJobType], address: str, body: dict[str, str]
) -> None:
    viewer = make_api("view_syncjobtype")
    assert viewer.post(f"{address}/", body).status_code == 403
    assert viewer.get(f"{address}/").status_code == 200
    assert (Webhook.objects.count(), Chain.objects.count()) == (0, 0)
