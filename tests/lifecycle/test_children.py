"""A relay's children: what they inherit, and that each place is taken once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from syncjobs.lifecycle import StatusConflict, create_children
from syncjobs.models import JobEvent, SyncJob
from tests.lifecycle.factories import JobFactory

NOW = timezone.now()


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.django_db), "postgresql"])
def parent(request: pytest.FixtureRequest) -> SyncJob:
    """A started job in which every inherited column differs from its default."""
    if request.param == "postgresql":
        request.getfixturevalue("rows_on_postgresql")
    made: SyncJob = JobFactory.create(
        status="started",
        fence=3,
        title="The relay",
        source_document_type="crm.Customer",
        source_document_name="7",
        dry_run=True,
        insert_enabled=False,
        update_enabled=False,
        delete_enabled=False,
        update_without_changes_enabled=True,
        queue="long",
        timeout=0,
        retry_delay=0,
        max_retries=0,
        verbose_logging=True,
        priority=-3,
        config_snapshot={"controller": "x", "umlaut": "ü % 'quote'"},
        triggered_by_document_type="crm.Order",
        triggered_by_document_name="12",
        trigger_document_timestamp=NOW - dt.timedelta(days=1),
        triggered_by=User.objects.create(username="ann"),
        context={"of": "the parent"},
        concurrency_key="parent",
        checkpoint={"batch_no": 1},
        retry_count=2,
        trigger_type="scheduler",
    )
    return made


def targets(*names: str) -> list[dict[str, Any]]:
    return [
        {"operation": "update", "target_document_type": "sap.Customer", "target_document_name": name} for name in names
    ]


def test_children_inherit_how_the_parent_runs_and_who_asked(parent: SyncJob) -> None:
    assert create_children(parent, targets("A"), NOW) == 1
    child = SyncJob.objects.get(parent=parent)
    inherited = (
        "title job_type_id source_document_type source_document_name dry_run insert_enabled update_enabled "
        "delete_enabled update_without_changes_enabled queue timeout retry_delay max_retries verbose_logging priority "
        "config_snapshot triggered_by_document_type triggered_by_document_name trigger_document_timestamp "
        "triggered_by_id"
    )
    for name in inherited.split():
        assert getattr(child, name) == getattr(parent, name), name
    assert (child.status, child.trigger_type, child.position, child.available_at) == ("queued", "relay", 0, NOW)
    assert (child.operation, child.target_document_name, child.context) == ("update", "A", {})
    assert (child.concurrency_key, child.checkpoint, child.retry_count, child.attempt) == ("", {}, 0, 0)
    assert child.counts == parent.counts
    event = JobEvent.objects.get(job=child)
    assert (event.old, event.new, event.reason) == ("", "queued", f"child 0 of job #{parent.pk}")


def test_each_child_has_what_is_its_own(parent: SyncJob) -> None:
    own: list[dict[str, Any]] = [
        {"context": {"of": "A"}, "title": "t" * 400, "config_snapshot": {"own": [1, None, "x"]}},
        {"concurrency_key": "sap/B", "priority": 9, "insert_enabled": True},
        {},
    ]
    create_children(parent, own, NOW)
    first, second, third = SyncJob.objects.filter(parent=parent).order_by("position")
    assert (first.context, first.title, first.config_snapshot) == ({"of": "A"}, "t" * 300, {"own": [1, None, "x"]})
    assert (second.concurrency_key, second.priority, second.insert_enabled) == ("sap/B", 9, True)
    assert (third.context, third.concurrency_key, third.priority) == ({}, "", -3)
    assert len({first.token, second.token, third.token}) == 3


def test_unknown_column_of_a_child_is_refused(parent: SyncJob) -> None:
    with pytest.raises(TypeError, match="SyncJob has no columns colour"):
        create_children(parent, [{"colour": "red"}], NOW)


def test_crash_half_way_doubles_no_child_and_a_changed_target_is_told(parent: SyncJob) -> None:
    def breaking_off() -> Iterator[dict[str, Any]]:
        yield from targets(*(str(number) for number in range(700)))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        create_children(parent, breaking_off(), NOW)
    made = dict(SyncJob.objects.filter(parent=parent).values_list("position", "pk"))
    assert set(made) == set(range(500))
    told: list[int] = []
    names = [str(number) for number in range(700)]
    names[3], names[650] = "another", "not made yet"
    assert create_children(parent, targets(*names), NOW, told.append) == 700
    assert told == [3]
    now_there = dict(SyncJob.objects.filter(parent=parent).values_list("position", "pk"))
    assert now_there.items() >= made.items()
    assert set(now_there) == set(range(700))
    assert JobEvent.objects.count() == 700


@pytest.mark.parametrize("columns", [{"fence": 4}, {"status": "canceled"}])
def test_parent_that_is_no_longer_ours_makes_no_children(parent: SyncJob, columns: dict[str, Any]) -> None:
    SyncJob.objects.filter(pk=parent.pk).update(**columns)
    with pytest.raises(StatusConflict):
        create_children(parent, targets("A"), NOW)
    assert not SyncJob.objects.filter(parent=parent).exists()


def test_ten_thousand_children_are_made_in_few_statements(parent: SyncJob, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(20 * 9 + 1):
        assert create_children(parent, targets(*(str(number) for number in range(10_000))), NOW) == 10_000
    assert JobEvent.objects.count() == 10_000
