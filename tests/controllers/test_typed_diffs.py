"""Changes of real models: every type in its stable form, and only what truly differs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from syncjobs.testing import FinishedRun, run_sync_job
from tests.acme.models import SAPArticle, SAPCustomer
from tests.controllers.made_controllers import module_of

pytestmark = pytest.mark.django_db
LONG = "Grüße 🚲 " * 20_000
EAST = timezone(timedelta(hours=5, minutes=30))
VALUES: dict[str, Any] = {
    "bundle_number": "B-1",
    "number": "A-1",
    "weight": Decimal("1.250"),
    "picture": b"\x00\xff",
    "description": LONG,
    "released_at": datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=EAST),
    "attributes": {"b": [1, 2.5, None], "a": {"deep": True}},
}
FORMS = {
    "bundle_number": "B-1",
    "number": "A-1",
    "weight": "1.250",
    "picture": "AP8=",
    "description": LONG,
    "released_at": "2026-03-01T06:30:00.000005Z",
    "attributes": {"a": {"deep": True}, "b": [1, 2.5, None]},
}


def sync(operation: str, values: dict[str, Any], key: int | None = None, **asked: Any) -> FinishedRun:
    """Set these values of an article, in a job."""

    def fill_in(_job: Any, _source: Any, target: SAPArticle) -> None:
        for name, value in values.items():
            setattr(target, name, value)

    answer = {"operation": operation, "target_document_name": key}
    controller = module_of(get_target_document=lambda *_: answer, update_target_doc=fill_in)
    return run_sync_job(controller=controller, target_document_type=asked.pop("to", "acme.SAPArticle"), **asked)


@pytest.fixture
def article() -> SAPArticle:
    return SAPArticle.objects.create(**VALUES)


@pytest.mark.parametrize("dry_run", [False, True])
def test_insert_shows_every_value_in_its_form(dry_run: bool) -> None:
    (change,) = sync("insert", VALUES, dry_run=dry_run).changes
    key = None if dry_run else SAPArticle.objects.get().pk
    fields = {name: [None, form] for name, form in FORMS.items()}
    assert change.fields == (fields if dry_run else {"id": [None, key]} | fields)
    assert change.key == {"id": key}


def test_delete_shows_every_value_in_its_form(article: SAPArticle) -> None:
    (change,) = sync("delete", {}, article.pk).changes
    assert change.fields == {"id": [article.pk, None]} | {name: [form, None] for name, form in FORMS.items()}
    assert not SAPArticle.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"weight": Decimal("1.25")},
        {"weight": "1.2500"},
        {"released_at": datetime(2026, 3, 1, 6, 30, 0, 5, tzinfo=UTC)},
        {"released_at": "2026-03-01T07:30:00.000005+01:00"},
        {"picture": memoryview(b"\x00\xff")},
        {"attributes": {"a": {"deep": True}, "b": [1.0, 2.5, None]}},
        {"description": str(LONG)},
    ],
    ids=lambda values: "-".join(values),
)
def test_same_value_in_another_guise_is_no_change(article: SAPArticle, values: dict[str, Any]) -> None:
    run = sync("update", values, article.pk)
    assert (run.job.status, run.changes, run.job.counts["unchanged"]) == ("skipped", [], 1)


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"weight": Decimal("1.251")}, {"weight": ["1.250", "1.251"]}),
        ({"picture": b"\x00"}, {"picture": ["AP8=", "AA=="]}),
        ({"picture": None}, {"picture": ["AP8=", None]}),
        ({"released_at": None}, {"released_at": ["2026-03-01T06:30:00.000005Z", None]}),
        (
            {"released_at": datetime(2026, 3, 1, 12, 0, 0, 6, tzinfo=EAST)},
            {"released_at": ["2026-03-01T06:30:00.000005Z", "2026-03-01T06:30:00.000006Z"]},
        ),
        ({"description": LONG + "!"}, {"description": [LONG, LONG + "!"]}),
        (
            {"attributes": {"a": {"deep": 1}, "b": [1, 2.5, None]}},
            {"attributes": [FORMS["attributes"], {"a": {"deep": 1}, "b": [1, 2.5, None]}]},
        ),
    ],
    ids=lambda part: "-".join(part),
)
def test_update_shows_only_what_differs(article: SAPArticle, values: dict[str, Any], fields: dict[str, Any]) -> None:
    run = sync("update", values, article.pk)
    assert (run.job.status, run.changes[0].fields, run.job.diff_summary) == ("finished", fields, {"updated": 1})


def test_value_changed_in_place_is_seen(article: SAPArticle) -> None:
    def append(_job: Any, _source: Any, target: SAPArticle) -> None:
        target.attributes["b"].append(3)

    answer = {"operation": "update", "target_document_name": article.pk}
    controller = module_of(get_target_document=lambda *_: answer, update_target_doc=append)
    run = run_sync_job(controller=controller, target_document_type="acme.SAPArticle")
    assert run.changes[0].fields["attributes"][1]["b"] == [1, 2.5, None, 3]


def test_dates_are_dates() -> None:
    values = {"number": "C-1", "name": "Ada", "customer_since": date(2026, 2, 28), "credit_limit": Decimal("1E+3")}
    run = sync("insert", values, to="acme.SAPCustomer")
    assert run.changes[0].fields["customer_since"] == [None, "2026-02-28"]
    assert run.changes[0].fields["credit_limit"] == [None, "1000"]
    assert SAPCustomer.objects.get().customer_since == date(2026, 2, 28)


def test_whole_documents_are_kept_by_verbose_logging_only(article: SAPArticle) -> None:
    quiet = sync("update", {"weight": Decimal(2)}, article.pk).job
    assert (quiet.current_data, quiet.updated_data) == (None, None)
    verbose = sync("update", {"weight": Decimal(3)}, article.pk, verbose_logging=True).job
    assert verbose.current_data is not None
    assert verbose.current_data == FORMS | {"id": article.pk, "weight": "2.000"}
    assert verbose.updated_data == FORMS | {"id": article.pk, "weight": "3"}
