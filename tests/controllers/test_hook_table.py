"""Each mode by operation, flag, dry run, and state of the source: which hooks run, and what is left behind."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.counts import Counts
from syncjobs.models import SyncJobType
from syncjobs.operations.job_types import save_job_type
from syncjobs.statuses import Status
from syncjobs.testing import FinishedRun, run_sync_job
from tests.acme.models import Customer, SAPCustomer
from tests.controllers.made_controllers import TARGET, class_of, module_of

MODES = ("module", "class", "bypass")
OPERATIONS = ("insert", "update", "delete")
FLAGS = ("enabled", "disabled", "nothing differs", "nothing differs, saved all the same")
SOURCES = ("present", "tombstone", "gone")
UNTOUCHED = [("C-1", "Ada")]


@dataclass(frozen=True)
class Case:
    mode: str
    operation: str
    flag: str
    dry_run: bool
    source: str

    def __str__(self) -> str:
        return f"{self.mode}, {self.operation}, {self.flag}, {'dry run' if self.dry_run else 'real'}, {self.source}"

    @property
    def differs(self) -> bool:
        return self.operation != "update" or not self.flag.startswith("nothing differs")

    @property
    def is_saved(self) -> bool:
        return self.flag != "disabled" and (self.differs or self.flag.endswith("all the same"))


CASES = [Case(*values) for values in itertools.product(MODES, OPERATIONS, FLAGS, (False, True), SOURCES)]

# 1. the controllers: they note what they see of the source


def see(seen: list[str], sync_job: JobHandle, source_doc: Any) -> None:
    state = "gone" if source_doc is None else "tombstone" if source_doc.is_deleted else "present"
    assert sync_job.source_is_deleted == (state != "present")
    seen.append(state)


def standard_hooks(seen: list[str]) -> dict[str, Any]:
    def look(sync_job: JobHandle, source_doc: Any, *_others: Any) -> None:
        see(seen, sync_job, source_doc)

    def get_target_document(sync_job: JobHandle, source_doc: Any) -> dict[str, Any]:
        look(sync_job, source_doc)
        context = sync_job.get_context()
        return {"operation": context["operation"], "target_document_name": context["target"]}

    def update_target_doc(sync_job: JobHandle, source_doc: Any, target_doc: SAPCustomer) -> None:
        look(sync_job, source_doc)
        if sync_job.operation != "delete":
            fill_in(sync_job, target_doc)

    others = ("after_start", "before_relay", "after_relay", "before_sync", "after_sync", "finished")
    hooks: dict[str, Any] = dict.fromkeys(others, look)
    return hooks | {"get_target_document": get_target_document, "update_target_doc": update_target_doc}


def fill_in(sync_job: JobHandle, target_doc: SAPCustomer) -> None:
    target_doc.number, target_doc.name = sync_job.get_context()["values"]


def bypass_hooks(seen: list[str]) -> dict[str, Any]:
    def execute(sync_job: JobHandle, source_doc: Any) -> dict[str, Any] | Outcome:
        see(seen, sync_job, source_doc)
        operation, name = sync_job.get_context()["operation"], sync_job.get_context()["target"]
        if not getattr(sync_job.job, f"{operation}_enabled"):
            return Outcome(Status.SKIPPED, "switched off", Counts(read=1, skipped=1))
        target = SAPCustomer() if operation == "insert" else SAPCustomer.objects.get(pk=name)
        old = target.name or None
        if operation != "delete":
            fill_in(sync_job, target)
        new = None if operation == "delete" else target.name
        diff = {"name": [old, new]} if old != new else {}
        if not sync_job.dry_run:
            target.save() if operation != "delete" else SAPCustomer.objects.filter(pk=name).delete()
        return {"target_doc": target, "operation": operation, "diff": diff}

    return {"execute": execute}


# 2. running one case


def run_case(case: Case) -> tuple[FinishedRun, list[str], str]:
    """The run, the states of the source that its hooks saw, and the name that the target had before."""
    seen: list[str] = []
    hooks = bypass_hooks(seen) if case.mode == "bypass" else standard_hooks(seen)
    controller: type | ModuleType = class_of(**hooks) if case.mode == "class" else module_of(**hooks)
    target = SAPCustomer.objects.create(number="C-1", name="Ada")
    values = {"insert": ("C-2", "Grace"), "update": ("C-1", "Ada" if not case.differs else "Ada L.")}
    context = {
        "operation": case.operation,
        "target": "" if case.operation == "insert" else str(target.pk),
        "values": values.get(case.operation),
    }
    flags: dict[str, Any] = {f"{case.operation}_enabled": False} if case.flag == "disabled" else {}
    flags |= {"update_without_changes_enabled": True} if case.flag.endswith("all the same") else {}
    source = make_source(case.source)
    run = run_sync_job(
        controller=controller,
        source_document_type="acme.Customer",
        source_document_name=source,
        target_document_type=TARGET,
        context=context,
        dry_run=case.dry_run,
        **flags,
    )
    return run, seen, str(target.pk)


def make_source(state: str) -> str:
    """The name of a source document in this state."""
    if state == "tombstone":
        keeper = {"slug": "keeper", "controller": "sap_customer_cleanup", "source_document_type": "acme.Customer"}
        save_job_type(SyncJobType(**keeper, keep_tombstones=True), actor="test")
    customer = Customer.objects.create(number="C-9", name="The source")
    name = str(customer.pk)
    if state != "present":
        customer.delete()
    return name


# 3. what is expected


def expected_hooks(case: Case) -> list[str]:
    if case.mode == "bypass":
        return ["execute"]
    hooks = ["after_start", "get_target_document"]
    if case.flag != "disabled":
        hooks.append("update_target_doc")
    if case.is_saved and not case.dry_run:
        hooks += ["before_sync", "after_sync", "finished"]
    return hooks


def expected_counts(case: Case) -> dict[str, int]:
    if case.flag == "disabled":
        return {"read": 1, "skipped": 1}
    if not case.is_saved:
        return {"read": 1, "unchanged": 1}
    return {"insert": {"read": 1, "inserted": 1}, "update": {"read": 1, "updated": 1}, "delete": {"deleted": 1}}[
        case.operation
    ]


def expected_rows(case: Case) -> list[tuple[str, str]]:
    if case.dry_run or not case.is_saved or not case.differs:
        return UNTOUCHED
    return {"insert": [*UNTOUCHED, ("C-2", "Grace")], "update": [("C-1", "Ada L.")], "delete": []}[case.operation]


def expected_change(case: Case) -> list[tuple[str, Any]]:
    """Operation and old and new name of the one change, if there is one."""
    if not case.is_saved:
        return []
    names = {"insert": [None, "Grace"], "update": ["Ada", "Ada L."], "delete": ["Ada", None]}[case.operation]
    return [(case.operation, names if case.differs else None)]


def check_case(case: Case) -> None:
    run, seen, target = run_case(case)
    job = run.job
    assert job.status == ("finished" if case.is_saved else "skipped"), job.failure
    assert run.hooks == expected_hooks(case)
    assert seen == [case.source] * len(run.hooks)
    assert {name: number for name, number in job.counts.items() if number} == expected_counts(case)
    assert list(SAPCustomer.objects.order_by("number").values_list("number", "name")) == expected_rows(case)
    assert [(change.operation, change.fields.get("name")) for change in run.changes] == expected_change(case)
    if case.is_saved:
        assert (job.operation, job.target_document_type) == (case.operation, TARGET)
        assert sum(job.diff_summary.values()) == 1
    if case.is_saved and case.operation != "insert":
        assert job.target_document_name == target
    assert (job.failure, job.attempt, job.retry_after) == (None, 1, None)


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=str)
def test_hooks_run_in_their_order_and_leave_what_they_should(case: Case) -> None:
    check_case(case)


def test_the_same_holds_on_postgresql(rows_on_postgresql: None) -> None:
    for case in CASES:
        if case.mode == "module":
            check_case(case)
            SyncJobType.objects.filter(slug="keeper").delete()
            Customer.objects.all().delete()
            SAPCustomer.objects.all().delete()
