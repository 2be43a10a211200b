"""What goes wrong in a hook leaves target and job as before the attempt, and is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError

from connectors.errors import ConfigError, DataError, RateLimitedError, TransientError
from syncjobs.controllers import standard
from syncjobs.controllers.base import JobHandle, JobHeld
from syncjobs.models import SyncJob
from syncjobs.operations.jobs import approve_job, discard_job
from syncjobs.testing import FinishedRun, finish_sync_job, run_sync_job
from tests.acme.models import Customer, SAPCustomer
from tests.controllers.made_controllers import TARGET, module_of

pytestmark = pytest.mark.django_db
Hook = Callable[..., Any]
IN_TRANSACTION = ("update_target_doc", "before_sync", "after_sync")


def nothing(*_arguments: Any) -> None:
    return None


def rename(_job: JobHandle, _source: Any, target: SAPCustomer) -> None:
    target.name = "Changed"


def run_with(hooks: dict[str, Hook], **asked: Any) -> FinishedRun:
    """Rename the one SAP customer, with these hooks."""
    target = SAPCustomer.objects.get(number="C-1")
    answer = {"operation": "update", "target_document_name": target.pk, "context": {"from": "target"}}
    ordinary: dict[str, Hook] = {"get_target_document": lambda *_: answer, "update_target_doc": rename}
    asked.setdefault("max_retries", 0)
    asked.setdefault("context", {"from": "job"})
    return run_sync_job(controller=module_of(**ordinary | hooks), target_document_type=TARGET, **asked)


@pytest.fixture(autouse=True)
def target() -> SAPCustomer:
    return SAPCustomer.objects.create(number="C-1", name="Ada")


def raising(error: BaseException) -> Hook:
    """Write something beside the target, then raise."""

    def hook(_job: JobHandle, _source: Any, *target: SAPCustomer) -> None:
        if target:
            target[0].name = "Half-way"
            target[0].save()
        Customer.objects.create(number="C-99", name="A note by the hook")
        raise error

    return hook


@pytest.mark.parametrize("hook", IN_TRANSACTION)
@pytest.mark.parametrize(
    ("error", "status", "failure_class"),
    [
        (ValueError("no"), "failed", "internal"),
        (TransientError("busy", "the other side is busy"), "failed", "transient"),
        (ConfigError("refused", "the other side refuses us"), "failed", "config"),
        (DataError("too_long", "the name is too long"), "error", "data"),
        (IntegrityError("UNIQUE constraint failed"), "error", "data"),
        (SystemExit(1), "failed", "internal"),
        (JobHeld("is this right?"), "held", None),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, BaseException) else None,
)
def test_hook_that_raises_leaves_everything_as_before(
    hook: str, error: BaseException, status: str, failure_class: str | None
) -> None:
    run = run_with({hook: raising(error)})
    assert (run.job.status, (run.job.failure or {}).get("class")) == (status, failure_class)
    assert list(SAPCustomer.objects.values_list("name", flat=True)) == ["Ada"]
    assert not Customer.objects.exists()
    assert run.changes == []
    if failure_class is not None:
        assert type(error).__name__ in run.job.error_message


@pytest.mark.parametrize("hook", ["after_start", "get_target_document"])
def test_hook_before_the_transaction_that_raises_fails_the_job_alone(hook: str) -> None:
    run = run_with({hook: raising(ValueError("no"))})
    assert (run.job.status, run.changes) == ("failed", [])
    assert SAPCustomer.objects.get().name == "Ada"


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (TransientError("busy", "busy"), 3),
        (RateLimitedError("busy", "busy", retry_after=3600), 3),
        (ValueError("who knows"), 3),
        (ConfigError("refused", "refused"), 1),
        (DataError("too_long", "too long"), 1),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Exception) else None,
)
def test_only_what_may_help_is_tried_again(error: Exception, attempts: int) -> None:
    run = run_with({"update_target_doc": raising(error)}, max_retries=2)
    assert run.job.attempt == attempts
    assert run.hooks.count("update_target_doc") == attempts


def test_retry_finds_a_target_that_came_meanwhile() -> None:
    def make_it_on_the_second_attempt(job: JobHandle, _source: Any) -> dict[str, Any]:
        if job.job.attempt == 2:
            SAPCustomer.objects.create(pk=4711, number="C-2", name="Late")
        return {"operation": "update", "target_document_name": 4711}

    run = run_with({"get_target_document": make_it_on_the_second_attempt}, max_retries=1)
    assert (run.job.status, run.job.attempt) == ("finished", 2)


def test_document_that_does_not_fit_is_an_error_that_names_document_and_constraint(target: SAPCustomer) -> None:
    SAPCustomer.objects.create(number="C-2", name="Grace")

    def take_number(_job: JobHandle, _source: Any, document: SAPCustomer) -> None:
        document.number = "C-2"

    run = run_with({"update_target_doc": take_number}, max_retries=2)
    assert (run.job.status, run.job.attempt) == ("error", 1)
    assert run.job.failure is not None
    assert run.job.failure["code"] == "unique"
    assert f"acme.SAPCustomer {target.pk} was refused" in run.job.failure["message"]
    assert "number" in run.job.failure["message"]


@pytest.mark.parametrize(
    ("name", "value", "code"), [("name", None, "not_null"), ("credit_limit", "a lot", "validation")]
)
def test_value_that_does_not_fit_is_named(name: str, value: Any, code: str) -> None:
    run = run_with({"update_target_doc": lambda _job, _source, document: setattr(document, name, value)})
    assert run.job.failure is not None
    assert (run.job.status, run.job.failure["code"]) == ("error", code), run.job.failure


def test_held_job_runs_after_approval_and_knows_it() -> None:
    def ask(job: JobHandle, _source: Any, document: SAPCustomer) -> None:
        if not job.is_approved:
            raise JobHeld(f"rename {document.name}?")

    run = run_with({"before_sync": ask}, dry_run=True)
    assert run.job.status == "finished"  # a dry run does not come to before_sync
    held = run_with({"before_sync": ask})
    assert held.job.status == "held"
    assert "rename Changed?" in held.job.events.order_by("-id")[0].reason
    assert SAPCustomer.objects.get().name == "Ada"


def test_held_job_may_be_approved_or_discarded() -> None:
    customer = Customer.objects.create(number="C-1", name="Ada", credit_limit=100)
    asked: dict[str, Any] = {"controller": "sap_account_sync", "target_document_type": TARGET}
    held = run_sync_job(customer, config={"free_limit": 50}, **asked)
    assert held.job.status == "held"
    done = finish_sync_job(approve_job(held.job.pk, actor="grace"))
    assert (done.job.status, done.hooks) == ("finished", ["get_target_document", "update_target_doc", "before_sync"])
    customer.credit_limit = 200
    customer.save()
    again = run_sync_job(customer, config={"free_limit": 50}, **asked)
    assert discard_job(again.job.pk, actor="grace").status == "canceled"
    assert SAPCustomer.objects.get().credit_limit == 100


def test_finished_that_raises_changes_nothing_and_is_logged() -> None:
    run = run_with({"finished": raising(ValueError("the mail server is away"))})
    assert (run.job.status, run.job.failure, len(run.changes)) == ("finished", None, 1)
    errors = [line.message for line in run.logs if line.level == "ERROR"]
    assert errors == ["The hook finished failed after the end: ValueError: the mail server is away"]


@pytest.mark.parametrize(("setting", "expected"), [({}, 0), ({"finished_in_dry_run": True}, 1)])
def test_finished_runs_in_a_dry_run_only_if_asked_to(setting: dict[str, Any], expected: int) -> None:
    run = run_with({"finished": nothing} | setting, dry_run=True)
    assert run.hooks.count("finished") == expected


def test_finished_sees_what_was_saved() -> None:
    seen: list[Any] = []

    def finished(job: JobHandle, _source: Any, document: SAPCustomer) -> None:
        stored = SyncJob.objects.get(pk=job.job.pk)
        seen.append((stored.status, document.name, SAPCustomer.objects.get().name))

    run_with({"finished": finished})
    assert seen == [("finished", "Changed", "Changed")]


def test_hooks_that_take_long_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = run_with({})
    monkeypatch.setattr(standard, "LONG_HOOKS_SECONDS", 0.0)
    SAPCustomer.objects.update(name="Ada")
    slow = run_with({})
    warnings = [[line.message for line in run.logs if line.level == "WARNING"] for run in (quick, slow)]
    assert warnings[0] == []
    assert "held the target's transaction open" in warnings[1][0]
    assert "after_start or finished" in warnings[1][0]


def test_what_before_sync_changes_is_what_is_saved_and_shown() -> None:
    def correct(_job: JobHandle, _source: Any, document: SAPCustomer) -> None:
        document.email = "ada@example.org"

    run = run_with({"before_sync": correct})
    assert run.changes[0].fields == {"name": ["Ada", "Changed"], "email": ["", "ada@example.org"]}


def test_before_sync_that_undoes_the_difference_skips_the_job() -> None:
    def undo(_job: JobHandle, _source: Any, document: SAPCustomer) -> None:
        document.name = "Ada"

    run = run_with({"before_sync": undo, "after_sync": nothing})
    assert (run.job.status, run.changes) == ("skipped", [])
    assert "after_sync" not in run.hooks


def test_dry_run_undoes_what_hooks_wrote_beside_the_target() -> None:
    def note(_job: JobHandle, _source: Any, document: SAPCustomer) -> None:
        rename(_job, _source, document)
        Customer.objects.create(number="C-99", name="A note by the hook")

    run = run_with({"update_target_doc": note}, dry_run=True)
    assert (run.job.status, len(run.changes)) == ("finished", 1)
    assert not Customer.objects.exists()
    assert SAPCustomer.objects.get().name == "Ada"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (None, "got NoneType"),
        ("done", "got str"),
        ({}, "got a dict with nothing"),
        ({"operation": "insert"}, "got a dict with operation"),
        ({"target_doc": "1", "operation": "upsert", "diff": {}}, "the operation was 'upsert'"),
        ({"target_doc": "1", "operation": "update", "diff": {"name": "new"}}, "its diff was not {field: [old, new]}"),
        ({"target_doc": "1", "operation": "update", "diff": ["name"]}, "its diff was not {field: [old, new]}"),
    ],
)
def test_answer_of_execute_that_is_none_fails_the_job(answer: Any, complaint: str) -> None:
    run = run_sync_job(controller=module_of(execute=lambda *_: answer))
    assert run.job.failure is not None
    assert (run.job.status, run.job.failure["code"], run.job.attempt) == ("failed", "controller_contract", 1)
    sentence = "execute must return {target_doc, operation, diff} or an Outcome; "
    assert run.job.failure["message"] == sentence + complaint
