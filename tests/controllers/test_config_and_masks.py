"""What a type's config may hold, and fields whose values nobody may find anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder

from syncjobs.models import Attempt, Change, JobEvent, JobLog, JobTypeVersion, SyncJob, SyncJobType, Tombstone
from syncjobs.operations import enqueue_sync_job
from syncjobs.operations.job_types import save_job_type
from syncjobs.operations.jobs import approve_job
from syncjobs.testing import FinishedRun, finish_sync_job, run_sync_job
from tests.acme.models import Customer, SAPCustomer
from tests.controllers.made_controllers import TARGET, insert, module_of

pytestmark = pytest.mark.django_db
CANARY = "DE02-CANARY-4711"


def account_type(**columns: Any) -> SyncJobType:
    values = {"slug": "accounts", "controller": "sap_account_sync", "target_document_type": TARGET}
    return SyncJobType(**values | {"source_document_type": "acme.Customer", "config": {"free_limit": 50}} | columns)


@pytest.mark.parametrize(
    ("columns", "field", "sentence"),
    [
        ({"config": {}}, "config", "config.free_limit: is required"),
        ({"config": {"free_limit": "much"}}, "config", "config.free_limit"),
        ({"config": {"free_limit": -1}}, "config", "config.free_limit"),
        ({"config": {"free_limit": 1, "free_limt": 1}}, "config", "free_limt"),
        ({"config": [1]}, "config", "config must be an object."),
        ({"config": {"free_limit": 1, "masked_fields": "email"}}, "config", "config.masked_fields: must be a list"),
        (
            {"source_document_type": "acme.Custumer"},
            "source_document_type",
            "There is no Django model 'acme.Custumer'.",
        ),
        ({"target_document_type": "erp/customers"}, "target_document_type", "There is no connector 'erp'."),
        ({"controller": "sap_acount_sync"}, "controller", "'sap_acount_sync' is not a registered controller."),
    ],
)
def test_wrong_type_is_refused_by_a_sentence_at_its_field(columns: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        save_job_type(account_type(**columns), actor="test")
    assert sentence in " ".join(refused.value.message_dict[field])


def test_job_keeps_the_config_that_it_was_made_with() -> None:
    job_type = save_job_type(account_type(config={"free_limit": 50, "masked_fields": ["email"]}), actor="test")
    for number in ("C-7", "C-8"):
        Customer.objects.create(number=number, name="Ada", credit_limit=100)
        SAPCustomer.objects.create(number=number, name="Ada")
    before, after = Customer.objects.order_by("number")
    job = enqueue_sync_job(sync_job_type=job_type, source_doc=before)
    job_type.config = {"free_limit": 500}
    save_job_type(job_type, actor="test")
    assert finish_sync_job(job).job.status == "held"
    assert run_sync_job(after, sync_job_type=job_type).job.status == "finished"


def everything_kept(run: FinishedRun) -> str:
    """Every column of every row that a job leaves behind, as one text."""
    rows: list[Any] = []
    for model in (SyncJob, Change, JobLog, JobEvent, Attempt, SyncJobType, JobTypeVersion, Tombstone):
        rows += model._base_manager.values()
    assert run.job.pk in {row["id"] for row in rows}
    return json.dumps(rows, cls=DjangoJSONEncoder)


def test_masked_values_are_nowhere_in_the_clear() -> None:
    customer = Customer.objects.create(number="C-7", name="Ada", bank_account=CANARY)
    SAPCustomer.objects.create(number="C-7", name="Ada", bank_account=f"{CANARY}-old")
    run = run_sync_job(
        sync_job_type=save_job_type(account_type(), actor="t"), source_doc=customer, verbose_logging=True
    )
    assert run.changes[0].fields == {"bank_account": ["••••", "••••"]}
    assert run.job.updated_data is not None
    assert run.job.updated_data["bank_account"] == "••••"
    assert run.job.updated_data["name"] == "Ada"
    assert CANARY not in everything_kept(run)
    assert SAPCustomer.objects.get().bank_account == CANARY


def test_type_may_mask_more_fields_by_its_config() -> None:
    customer = Customer.objects.create(number="C-7", name="Ada", email="canary@example.org")
    controller, config = "sap_customer_sync", {"masked_fields": ["email"]}
    run = run_sync_job(customer, controller=controller, target_document_type=TARGET, config=config)
    assert run.changes[0].fields["email"] == [None, "••••"]
    assert run.changes[0].fields["name"] == [None, "Ada"]
    assert "canary@example.org" not in everything_kept(run)


def test_masked_value_is_blacked_out_in_what_the_database_says_of_it() -> None:
    SAPCustomer.objects.create(number=CANARY[:10], name="Ada")

    def copy_number(_job: Any, source_doc: Customer, target: SAPCustomer) -> None:
        target.number = source_doc.number

    controller = module_of(get_target_document=insert, update_target_doc=copy_number, masked_fields=("number",))
    customer = Customer.objects.create(number=CANARY[:10], name="Ada")
    run = run_sync_job(customer, controller=controller, target_document_type=TARGET)
    assert run.job.status == "error"
    assert CANARY[:10] not in everything_kept(run)


def test_masked_value_in_an_exception_of_a_hook_is_blacked_out() -> None:
    def refuse(_job: Any, source_doc: Customer, target: SAPCustomer) -> None:
        target.bank_account = source_doc.bank_account
        raise ValueError(f"{source_doc.bank_account} is no account")

    controller = module_of(get_target_document=insert, update_target_doc=refuse, masked_fields=("bank_account",))
    customer = Customer.objects.create(number="C-7", name="Ada", bank_account=CANARY)
    run = run_sync_job(customer, controller=controller, target_document_type=TARGET, max_retries=0)
    assert run.job.failure is not None
    assert "is no account" in run.job.failure["message"]
    assert CANARY not in everything_kept(run)


def test_held_job_keeps_the_secret_and_runs_after_approval() -> None:
    customer = Customer.objects.create(number="C-7", name="Ada", bank_account=CANARY, credit_limit=100)
    SAPCustomer.objects.create(number="C-7", name="Ada")
    held = run_sync_job(sync_job_type=save_job_type(account_type(), actor="test"), source_doc=customer)
    assert (held.job.status, held.changes) == ("held", [])
    assert CANARY not in everything_kept(held)
    done = finish_sync_job(approve_job(held.job.pk, actor="grace"))
    assert (done.job.status, done.job.approved_by) == ("finished", "grace")
    assert CANARY not in everything_kept(done)


def test_tombstone_keeps_no_masked_value() -> None:
    save_job_type(account_type(keep_tombstones=True), actor="test")
    customer = Customer.objects.create(number="C-7", name="Ada", bank_account=CANARY)
    name = str(customer.pk)
    customer.delete()
    run = run_sync_job(sync_job_type="accounts", source_document_name=name)
    assert run.job.status == "no_target"
    assert Tombstone.objects.get().document_name == name
    assert CANARY not in everything_kept(run)
