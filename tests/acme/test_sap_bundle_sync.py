"""The relay: one child for each article, each with its own fate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from syncjobs.testing import FinishedRun, run_sync_job
from tests.acme.models import Bundle, SAPArticle

pytestmark = pytest.mark.django_db
IN_INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.fixture
def bundle() -> Bundle:
    made = Bundle.objects.create(
        number="B-1", released_at=datetime(2026, 3, 1, 12, 0, tzinfo=IN_INDIA), attributes={"tags": ["new"], "n": 1.5}
    )
    for number in range(3):
        made.items.create(article=f"A-{number}", weight=Decimal("1.250"), picture=b"\x00\xff", description="x" * 5_000)
    return made


def run(bundle: Bundle, fail_attempt: int | None = None) -> FinishedRun:
    target = "acme.SAPArticle"
    return run_sync_job(bundle, controller="sap_bundle_sync", target_document_type=target, fail_attempt=fail_attempt)


def test_each_item_becomes_an_article(bundle: Bundle) -> None:
    relay = run(bundle)
    assert relay.job.status == "relayed"
    assert [child.job.status for child in relay.children] == ["finished"] * 3
    assert list(SAPArticle.objects.order_by("number").values_list("number", "weight", "released_at")) == [
        (f"A-{number}", Decimal("1.250"), datetime(2026, 3, 1, 6, 30, tzinfo=UTC)) for number in range(3)
    ]
    assert relay.children[0].changes[0].fields == {
        "id": [None, SAPArticle.objects.get(number="A-0").pk],
        "bundle_number": [None, "B-1"],
        "number": [None, "A-0"],
        "weight": [None, "1.250"],
        "picture": [None, "AP8="],
        "description": [None, "x" * 5_000],
        "released_at": [None, "2026-03-01T06:30:00Z"],
        "attributes": [None, {"n": 1.5, "tags": ["new"]}],
    }


def test_nothing_is_there_twice_when_relay_and_children_fail_half_way(bundle: Bundle) -> None:
    relay = run(bundle, fail_attempt=1)
    assert [(child.job.status, child.job.attempt) for child in relay.children] == [("finished", 2)] * 3
    assert SAPArticle.objects.count() == 3


def test_second_run_updates_one_leaves_one_and_deletes_one(bundle: Bundle) -> None:
    run(bundle)
    bundle.items.filter(article="A-0").update(weight=Decimal("2"))
    bundle.items.filter(article="A-2").delete()
    relay = run(bundle)
    assert [(child.job.operation, child.job.status) for child in relay.children] == [
        ("update", "finished"),
        ("update", "skipped"),
        ("delete", "finished"),
    ]
    assert relay.children[0].changes[0].fields == {"weight": ["1.250", "2.000"]}
    assert [*relay.children[2].changes[0].fields["number"]] == ["A-2", None]
    assert sorted(SAPArticle.objects.values_list("number", flat=True)) == ["A-0", "A-1"]
