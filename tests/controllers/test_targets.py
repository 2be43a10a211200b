"""What a discovery hook may answer, and the exact sentence about what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import ConfigError, InternalError
from syncjobs.controllers.targets import MANY, ONE, Target, parse_targets
from syncjobs.testing import run_sync_job
from tests.acme.models import SAPCustomer
from tests.controllers.made_controllers import TARGET, fill_in, module_of

INSERT = {"operation": "insert"}
KEYS = "operation, target_document_type, target_document_name, context"


@pytest.mark.parametrize(
    ("hook", "answer", "targets"),
    [
        (ONE, None, []),
        (ONE, {}, []),
        (ONE, INSERT, [Target("insert", TARGET)]),
        (ONE, INSERT | {"target_document_type": None}, []),
        (ONE, INSERT | {"target_document_type": ""}, []),
        (ONE, INSERT | {"target_document_type": "acme.SAPArticle"}, [Target("insert", "acme.SAPArticle")]),
        (ONE, {"operation": "update", "target_document_name": 7}, [Target("update", TARGET, "7")]),
        (ONE, {"operation": "delete", "target_document_name": 0}, [Target("delete", TARGET, "0")]),
        (ONE, INSERT | {"target_document_name": "K-1"}, [Target("insert", TARGET, "K-1")]),
        (ONE, INSERT | {"context": {"n": 0}}, [Target("insert", TARGET, "", {"n": 0})]),
        (ONE, INSERT | {"context": {}}, [Target("insert", TARGET, "", {})]),
        (ONE, INSERT | {"context": None}, [Target("insert", TARGET)]),
        (MANY, None, []),
        (MANY, [], []),
        (MANY, [None, {}, INSERT], [Target("insert", TARGET)]),
        (MANY, (dict(INSERT) for _ in range(2)), [Target("insert", TARGET)] * 2),
        (MANY, [INSERT | {"target_document_type": None}, INSERT], [Target("insert", TARGET)]),
    ],
)
def test_answer_is_read(hook: str, answer: Any, targets: list[Target]) -> None:
    assert parse_targets(answer, hook, TARGET) == targets


@pytest.mark.parametrize(
    ("hook", "answer", "error", "sentence"),
    [
        (
            ONE,
            {"operation": "upsert"},
            ConfigError,
            "a target's operation must be insert, update or delete, not 'upsert'",
        ),
        (
            ONE,
            {"target_document_name": "7"},
            ConfigError,
            "a target's operation must be insert, update or delete, not None",
        ),
        (
            ONE,
            {"operation": "update"},
            ConfigError,
            f"to update a {TARGET} its name is needed (target_document_name)",
        ),
        (
            MANY,
            [INSERT, {"operation": "delete", "target_document_name": ""}],
            ConfigError,
            f"to delete a {TARGET} its name is needed (target_document_name)",
        ),
        (
            ONE,
            INSERT | {"context": [1]},
            ConfigError,
            "a target's context must be an object, not list",
        ),
        (
            ONE,
            {"operation": "update", "target_name": "7"},
            ConfigError,
            f"get_target_document named a target with target_name, which is not among {KEYS}",
        ),
        (ONE, [INSERT], InternalError, "get_target_document must return a dict or None, got list"),
        (ONE, "insert", InternalError, "get_target_document must return a dict or None, got str"),
        (ONE, False, InternalError, "get_target_document must return a dict or None, got bool"),
        (MANY, INSERT, InternalError, "get_multiple_target_documents must return a list of dicts, got dict"),
        (MANY, "insert", InternalError, "get_multiple_target_documents must return a list of dicts, got str"),
        (MANY, 7, InternalError, "get_multiple_target_documents must return a list of dicts, got int"),
        (MANY, [INSERT, 7], InternalError, "get_multiple_target_documents must return a list of dicts, got int"),
    ],
)
def test_wrong_answer_is_told_in_one_sentence(
    hook: str, answer: Any, error: type[ConfigError | InternalError], sentence: str
) -> None:
    with pytest.raises(error) as refused:
        parse_targets(answer, hook, TARGET)
    assert refused.value.message == sentence
    assert refused.value.hint


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (None, "no_target", None),
        ({}, "no_target", None),
        (INSERT | {"target_document_type": None}, "no_target", None),
        ({"operation": "delete", "target_document_name": "4711"}, "no_target", None),
        ({"operation": "update"}, "failed", "bad_target"),
        ({"operation": "update", "target_document_name": "4711"}, "failed", "target_not_found"),
        ({"operation": "update", "target_document_name": "C-1"}, "failed", "bad_document_name"),
        (INSERT | {"target_document_type": "acme.Nothing"}, "failed", "unknown_document_type"),
        ([INSERT], "failed", "controller_contract"),
    ],
)
def test_job_ends_as_the_answer_asks(answer: Any, status: str, code: str | None) -> None:
    controller = module_of(get_target_document=lambda *_: answer, update_target_doc=fill_in)
    run = run_sync_job(controller=controller, target_document_type=TARGET)
    assert (run.job.status, (run.job.failure or {}).get("code")) == (status, code)
    assert run.hooks.count("update_target_doc") == 0
    attempts = 4 if code == "target_not_found" else 1  # it may still come; all else a person has to mend
    assert run.job.attempt == attempts
    assert run.job.events.order_by("-id")[0].new == status


@pytest.mark.django_db
def test_one_of_several_kinds_of_targets_is_done_in_place() -> None:
    controller = module_of(get_multiple_target_documents=lambda *_: [INSERT], update_target_doc=fill_in)
    run = run_sync_job(controller=controller, target_document_type=TARGET, context={"number": "C-1", "name": "Ada"})
    assert (run.job.status, run.job.children.count()) == ("finished", 0)
    assert SAPCustomer.objects.get().name == "Ada"


@pytest.mark.django_db
def test_with_both_discovery_hooks_only_the_one_for_several_is_asked() -> None:
    controller = module_of(
        get_multiple_target_documents=lambda *_: None, get_target_document=lambda *_: INSERT, update_target_doc=fill_in
    )
    run = run_sync_job(controller=controller, target_document_type=TARGET)
    assert (run.job.status, run.hooks) == ("no_target", ["get_multiple_target_documents"])


@pytest.mark.django_db
def test_target_given_in_advance_is_not_asked_for() -> None:
    customer = SAPCustomer.objects.create(number="C-1", name="Ada")
    controller = module_of(get_target_document=lambda *_: None, update_target_doc=fill_in)
    run = run_sync_job(
        controller=controller,
        operation="update",
        target_document_type=TARGET,
        target_document_name=str(customer.pk),
        context={"name": "Ada L."},
    )
    assert (run.job.status, run.hooks) == ("finished", ["update_target_doc"])
    assert run.changes[0].fields == {"name": ["Ada", "Ada L."]}


@pytest.mark.django_db
def test_context_of_the_target_replaces_the_job_s() -> None:
    answer = INSERT | {"context": {"number": "C-2", "name": "Grace"}}
    controller = module_of(get_target_document=lambda *_: answer, update_target_doc=fill_in)
    run = run_sync_job(controller=controller, target_document_type=TARGET, context={"number": "C-1", "name": "Ada"})
    assert run.job.context == answer["context"]
    assert SAPCustomer.objects.get().number == "C-2"
