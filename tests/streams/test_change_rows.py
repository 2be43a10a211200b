"""Changes on their way into Syncdeck's own database: of whoever spelled them, and never of a job that is gone."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from connectors.base import KeptChange, RecordChange, RenderedChange
from syncjobs.lifecycle.deleting import delete_rows
from syncjobs.models import Change, JobBatch
from syncjobs.streams.change_rows import save_changes
from tests.lifecycle.factories import JobFactory

ODD = 'tab\t "quoted" \\ \\n line\n return\r end \U0001f600'


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.django_db), "postgresql"])
def batch(request: pytest.FixtureRequest) -> JobBatch:
    """A batch in Syncdeck's own database."""
    if request.param == "postgresql":
        request.getfixturevalue("rows_on_postgresql")
    return JobBatch.objects.create(job=JobFactory.create(), stream=ODD, batch_no=1, created_at=timezone.now())


def test_changes_are_stored_alike_whoever_spelled_them(batch: JobBatch) -> None:
    fields: dict[str, list[Any]] = {"name": [None, ODD], "size": [1, 2.5]}
    spelled = '{"name":\n\t[null,"tab\\t \\"quoted\\" \\\\ \\\\n line\\n return\\r end \U0001f600"],\r"size":[1,2.5]}'
    changes: list[KeptChange] = [
        RecordChange("update", {"b": "\\", "a": 1}, fields),
        RenderedChange("update", '{"a":1,"b":"\\\\"}', spelled),
    ]
    assert save_changes(batch, changes) == 2
    first, second = Change.objects.order_by("id")
    assert (first.stream, first.key, first.fields) == (ODD, {"a": 1, "b": "\\"}, fields)
    assert (second.stream, second.key, second.fields) == (ODD, first.key, fields)
    assert first.key_hash == second.key_hash


def test_letter_that_no_database_holds_is_shown_by_another(batch: JobBatch) -> None:
    changes: list[KeptChange] = [
        RecordChange("insert", {"a": 1}, {"name": [None, "a\x00b \\u0000"]}),
        RenderedChange("insert", '{"a":2}', '{"name":[null,"a\\u0000b \\\\u0000"]}'),
    ]
    save_changes(batch, changes)
    kept = [change.fields["name"][1] for change in Change.objects.order_by("id")]
    assert kept == ["a\ufffdb \\u0000"] * 2


def test_changes_of_a_job_that_was_deleted_meanwhile_are_not_stored(batch: JobBatch) -> None:
    delete_rows([batch.job_id])
    with pytest.raises(type(batch.job).DoesNotExist, match="deleted"), transaction.atomic():
        save_changes(batch, [RenderedChange("insert", '{"a":2}', "{}")])
    assert not Change.objects.exists()
