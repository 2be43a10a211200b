"""Several targets: a child job for each, each once, whatever happens half-way."""

from __future__ import annotations

from typing import Any

import pytest

from syncjobs.controllers.base import JobHandle
from syncjobs.models import JobEvent, SyncJob
from syncjobs.testing import run_sync_job
from tests.acme.models import SAPCustomer
from tests.controllers.made_controllers import TARGET, fill_in, module_of

pytestmark = pytest.mark.django_db
MANY = 10_000


def inserts(number: int) -> list[dict[str, Any]]:
    return [{"operation": "insert", "context": {"number": f"C-{place}", "name": "x"}} for place in range(number)]


def relay_of(targets: Any, **hooks: Any) -> Any:
    """A controller that names these targets."""
    answer = targets if callable(targets) else lambda *_: targets
    return module_of(get_multiple_target_documents=answer, update_target_doc=fill_in, **hooks)


def test_children_do_the_work_with_what_they_take_over() -> None:
    asked: dict[str, Any] = {"queue": "long", "timeout": 77, "max_retries": 0, "priority": 5, "delete_enabled": False}
    run = run_sync_job(controller=relay_of(inserts(3)), target_document_type=TARGET, context={"a": 1}, **asked)
    assert (run.job.status, run.job.multiple_target_documents) == ("relayed", True)
    assert run.hooks == ["get_multiple_target_documents"]
    for place, child in enumerate(run.children):
        assert child.hooks == ["update_target_doc"]
        assert (child.job.status, child.job.position, child.job.trigger_type) == ("finished", place, "relay")
        assert {name: getattr(child.job, name) for name in asked} == asked
        assert child.job.context == {"number": f"C-{place}", "name": "x"}
    assert SAPCustomer.objects.count() == 3


def test_child_without_a_context_of_its_own_has_the_parent_s() -> None:
    targets = [{"operation": "insert"}, {"operation": "insert", "context": {}}]
    controller = relay_of(targets)
    run = run_sync_job(controller=controller, target_document_type=TARGET, context={"n": 0}, with_children=False)
    assert [child.context for child in run.job.children.order_by("position")] == [{"n": 0}, {}]


def test_dry_run_of_a_relay_is_a_dry_run_of_each_child() -> None:
    run = run_sync_job(controller=relay_of(inserts(3)), target_document_type=TARGET, dry_run=True)
    assert [(child.job.dry_run, child.job.status, len(child.changes)) for child in run.children] == [
        (True, "finished", 1)
    ] * 3
    assert not SAPCustomer.objects.exists()


def test_one_bad_child_stops_no_other() -> None:
    SAPCustomer.objects.create(number="C-1", name="Ada")
    run = run_sync_job(controller=relay_of(inserts(3)), target_document_type=TARGET)
    assert [child.job.status for child in run.children] == ["finished", "error", "finished"]


def test_hooks_round_the_relay_may_change_the_list_and_see_the_children() -> None:
    seen: list[Any] = []

    def before_relay(_job: JobHandle, _source: Any, targets: list[dict[str, Any]]) -> None:
        targets.pop()

    def after_relay(_job: JobHandle, _source: Any, child_jobs: Any) -> None:
        seen.extend(child.context["number"] for child in child_jobs)

    controller = relay_of(lambda *_: inserts(4), before_relay=before_relay, after_relay=after_relay)
    run = run_sync_job(controller=controller, target_document_type=TARGET, with_children=False)
    assert run.hooks == ["get_multiple_target_documents", "before_relay", "after_relay"]
    assert seen == ["C-0", "C-1", "C-2"]


def test_relay_without_any_target_left_has_no_target() -> None:
    controller = relay_of(lambda *_: inserts(2), before_relay=lambda _job, _source, targets: targets.clear())
    run = run_sync_job(controller=controller, target_document_type=TARGET)
    assert (run.job.status, run.job.children.count()) == ("no_target", 0)


def test_one_bad_target_makes_no_child_at_all() -> None:
    run = run_sync_job(controller=relay_of([*inserts(3), {"operation": "update"}]), target_document_type=TARGET)
    assert run.job.failure is not None
    assert (run.job.status, run.job.failure["code"], SyncJob.objects.count()) == ("failed", "bad_target", 1)


@pytest.mark.parametrize("fail_at", ["get_multiple_target_documents", "before_relay", "after_relay", "before_commit"])
def test_relay_that_fails_and_starts_again_makes_each_child_once(fail_at: str) -> None:
    controller = relay_of(inserts(3), before_relay=lambda *_: None, after_relay=lambda *_: None)
    run = run_sync_job(
        controller=controller, target_document_type=TARGET, fail_attempt=1, fail_at=fail_at, with_children=False
    )
    assert (run.job.status, run.job.attempt) == ("relayed", 2)
    assert list(run.job.children.order_by("position").values_list("position", flat=True)) == [0, 1, 2]


def test_relay_that_stops_in_the_midst_of_its_chunks_goes_on_where_it_was() -> None:
    present: list[int] = []

    def name_targets(job: JobHandle, _source: Any) -> list[dict[str, Any]]:
        present.append(SyncJob.objects.filter(parent=job.job.pk).count())
        targets = inserts(1_200)
        if job.job.attempt == 1:
            targets[1_100]["context"] = {"number": object()}  # cannot be kept, so neither can its chunk
        return targets

    run = run_sync_job(controller=relay_of(name_targets), target_document_type=TARGET, with_children=False)
    assert (run.job.status, run.job.attempt, present) == ("relayed", 2, [0, 1_000])
    contexts = run.job.children.order_by("position").values_list("position", "context__number")
    assert list(contexts) == [(place, f"C-{place}") for place in range(1_200)]
    assert JobEvent.objects.filter(job__parent=run.job.pk).count() == 1_200


def test_ten_thousand_children_are_made_without_strain() -> None:
    def name_targets(_job: JobHandle, _source: Any) -> Any:
        yield from inserts(MANY)

    controller = relay_of(lambda *arguments: name_targets(*arguments))
    run = run_sync_job(controller=controller, target_document_type=TARGET, with_children=False)
    assert (run.job.status, run.job.children.count()) == ("relayed", MANY)
    assert "There are 10,000 child jobs, one for each target" in [line.message for line in run.logs]
    last = run.job.children.get(position=MANY - 1)
    assert (last.status, last.context["number"]) == ("queued", f"C-{MANY - 1}")
