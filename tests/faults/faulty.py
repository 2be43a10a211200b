"""Document jobs of tests/faulty in a Syncdeck of real processes: asked for, waited for, and looked at."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from tests.faults.stack import PATIENCE_SECONDS, Stack, is_final
from tests.faults.things import import_shapes, target_shape

CUSTOMER, SAP_CUSTOMER, RECORD = "acme.Customer", "acme.SAPCustomer", "target/customers"
# controller: (source, target); a type of the same name, with dashes, for each
TYPES = {
    "sap_customer_sync": (CUSTOMER, SAP_CUSTOMER),
    "sap_bundle_sync": ("acme.Bundle", "acme.SAPArticle"),
    "waiting": (CUSTOMER, SAP_CUSTOMER),
    "waiting_call": (CUSTOMER, ""),
    "misbehaving": (CUSTOMER, SAP_CUSTOMER),
    "many_targets": ("", SAP_CUSTOMER),
    "customer_record": (CUSTOMER, RECORD),
    "second_row": ("", SAP_CUSTOMER),
}
TABLE = "CREATE TABLE customers (number text PRIMARY KEY, name text)"
PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
answer = True
"""
ASK = """
from django.db import transaction
from syncjobs.operations import enqueue_sync_job
from tests.acme.models import Customer
answer, first = [], Customer.objects.count()
with transaction.atomic():
    for number, context in enumerate({contexts!r}, first):
        customer = Customer.objects.create(number=str(number), name=f"Customer {{number}}")
        job = enqueue_sync_job(sync_job_type={slug!r}, source_doc=customer, context=context, **{options!r})
        answer.append(job.pk)
"""
LOOK = """
from syncjobs.models import Attempt, Change, JobEvent, SyncJob
from syncjobs.statuses import FINAL
answer = [
    {{
        "id": job.pk,
        "status": job.status,
        "attempt": job.attempt,
        "lost": job.lost_count,
        "retries": job.retry_count,
        "failure": job.failure and (job.failure["class"], job.failure["code"]),
        "inserted": job.tally.inserted,
        "changes": Change.objects.filter(job=job).count(),
        "ends": JobEvent.objects.filter(job=job, new__in=FINAL).count(),
        "attempts": list(Attempt.objects.filter(job=job).values_list("outcome", flat=True)),
        "number": job.changes.get().fields.get("number", [None, None])[1] if job.changes.count() == 1 else None,
    }}
    for job in SyncJob.objects.filter(pk__in={ids}).order_by("pk")
]
"""
WAITING = """
from syncjobs.models import SyncJob
from syncjobs.statuses import FINAL
ended = SyncJob.objects.filter(pk__in={ids}, status__in=FINAL, retry_after=None).count()
answer = len({ids}) - ended
"""
MODELS = """
from tests.acme.models import SAPCustomer
answer = sorted(SAPCustomer.objects.values_list("number", flat=True), key=int)
"""
RECORDS = """
from connectors.models import Connector
from connectors.records import ReadRequest
pages = Connector.objects.get(slug="target").open().read(ReadRequest("customers", key=("number",)))
answer = sorted((dict(zip(page.names, row))["number"] for page in pages for row in page.rows), key=int)
"""


def set_up_faulty(stack: Stack) -> None:
    """Install the two apps with their tables, types and one table at the target; before any process starts."""
    stack.install_app("tests.acme,tests.faulty")
    stack.python(PREPARE)
    if stack.warehouse_url:
        with psycopg.connect(stack.warehouse_url, autocommit=True) as server:
            server.execute(TABLE)
    else:
        with sqlite3.connect(stack.data_dir / "warehouse.sqlite3") as file:
            file.execute(TABLE)
        file.close()
    import_shapes(stack, [target_shape(stack)], [type_shape(controller) for controller in TYPES])


def type_shape(controller: str) -> dict[str, Any]:
    source, target = TYPES[controller]
    names = {"slug": controller.replace("_", "-"), "name": controller.replace("_", " ").title()}
    documents = {"source_document_type": source, "target_document_type": target}
    return names | documents | {"controller": controller, "retry_delay": 0}


def ask_with(stack: Stack, slug: str, contexts: Sequence[dict[str, Any]], **options: Any) -> list[int]:
    """Make a customer for each context, and ask for its job; the ids of the jobs."""
    ids: list[int] = stack.python(ASK.format(slug=slug, contexts=list(contexts), options=options))
    return ids


def look_at(stack: Stack, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What the books say of each job."""
    found: list[dict[str, Any]] = stack.python(LOOK.format(ids=list(ids)))
    return found


def ended(stack: Stack, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What the books say of each job, as soon as all have ended for good."""
    wait_until(stack, lambda: not stack.python(WAITING.format(ids=list(ids))))
    return look_at(stack, ids)


def wait_until(stack: Stack, is_so: Callable[[], object]) -> None:
    """Fails with the logs of all processes if it takes too long."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up, stack.log_text()
        time.sleep(0.1)


def wait_for_status(stack: Stack, ids: Sequence[int], status: str) -> None:
    for job_id in ids:
        job = stack.wait_for(job_id, lambda job: job["status"] == status or is_final(job))
        assert job["status"] == status, f"{job}\n{stack.log_text()}"


def targets(stack: Stack, code: str = MODELS) -> list[str]:
    """The numbers of the customers at the target: MODELS or RECORDS."""
    found: list[str] = stack.python(code)
    return found
