"""The page of a document sync: its documents, diff, flags and trigger, and a relay's children however many."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from syncjobs.models import Change, JobEvent, SyncJob
from syncjobs.operations import enqueue_sync_job
from syncjobs.statuses import Status
from syncjobs.testing import run_sync_job
from tests.acme.models import Bundle, BundleItem, Customer
from tests.acme.sync_job_types import make_sync_job_types
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff

SYNC = "sap-customer-sync"


@pytest.fixture
def customer(db: None) -> Customer:
    make_sync_job_types()
    return Customer.objects.create(number="C-7", name="Ada", credit_limit=Decimal("100.00"), email="ada@example.org")


def read(client: Client, job: SyncJob, tab: str = "") -> str:
    response = client.get(reverse("admin:job_page", args=[job.pk]) + tab)
    assert response.status_code == 200
    return response.content.decode()


def facts(text: str) -> dict[str, str]:
    """The list "About this job"."""
    part = text.partition("About this job")[2].partition("</dl>")[0]
    pairs = re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", part, re.DOTALL)
    return {name: re.sub(r"<[^>]+>", "", value).strip() for name, value in pairs}


# 1. Documents and what was done with them


def test_it_names_source_target_operation_and_trigger(portal: Client, customer: Customer) -> None:
    job = run_sync_job(customer, sync_job_type=SYNC, triggered_by_doc=customer).job
    told = facts(read(portal, job))
    assert told["Source"] == f"acme.Customer {customer.pk}"
    assert told["Target"].startswith("acme.SAPCustomer ")
    assert told["Operation"] == "insert"
    assert told["Asked for by"] == "document hook"
    assert told["Because of"] == f"acme.Customer {customer.pk}, as of just now"


def test_each_field_stands_with_its_value_before_and_after(portal: Client, customer: Customer) -> None:
    run_sync_job(customer, sync_job_type=SYNC)
    customer.name, customer.email, customer.credit_limit = ATTACK, "", Decimal("250.50")
    customer.save()
    text = read(portal, run_sync_job(customer, sync_job_type=SYNC).job)
    diff = text.partition("What it changed")[2].partition("</table>")[0]
    assert '<del class="old">100.00</del></td><td class="mono"><ins class="new">250.50</ins>' in diff
    assert '<ins class="new nothing">(empty)</ins>' in diff
    assert ATTACK not in diff
    assert "&lt;script&gt;" in diff
    assert "customer_since" not in diff, "only what differs is shown"
    assert "<dt>fields changed</dt><dd>3</dd>" in text


def test_values_that_read_alike_show_their_types(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.FINISHED, config_snapshot={"config": {}})
    fields = {"size": ["7", 7], "shown": ["null", None]}
    Change.objects.create(job=job, stream="s", key={"id": 1}, key_hash=1, operation="update", fields=fields)
    text = read(portal, job)
    assert '<del class="old">&quot;7&quot;</del></td><td class="mono"><ins class="new">7</ins>' in text
    assert '<del class="old">&quot;null&quot;</del></td><td class="mono"><ins class="new nothing">null</ins>' in text


def test_a_long_value_is_cut_and_can_be_seen_whole(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.FINISHED, config_snapshot={"config": {}})
    long = "a very long text " * 500
    change = Change.objects.create(
        job=job, stream="s", key={"id": 1}, key_hash=1, operation="insert", fields={"text": [None, long]}
    )
    whole = f"/admin/jobs/{job.pk}/changes/{change.pk}/"
    for tab in ("", "changes/"):
        text = read(portal, job, tab)
        assert long not in text
        assert "… (8,500 characters)" in text
        assert f'href="{whole}"' in text
    assert long in read(portal, job, f"changes/{change.pk}/")
    other = make_job(Status.FINISHED)
    assert portal.get(f"/admin/jobs/{other.pk}/changes/{change.pk}/").status_code == 404


def test_a_dry_run_says_what_it_would_have_done(portal: Client, customer: Customer) -> None:
    text = read(portal, run_sync_job(customer, sync_job_type=SYNC, dry_run=True).job)
    assert '<span class="pill planned">Planned</span>' in text
    assert "What it would change" in text
    assert "acme.SAPCustomer would be inserted. A dry run writes nothing." in text


def test_the_whole_document_is_shown_folded_when_it_was_kept(portal: Client, customer: Customer) -> None:
    assert "The whole document" not in read(portal, run_sync_job(customer, sync_job_type=SYNC).job)
    customer.name = "Ada L."
    customer.save()
    text = read(portal, run_sync_job(customer, sync_job_type=SYNC, verbose_logging=True).job)
    kept = text.partition("The whole document")[2].partition("</section>")[0]
    assert kept.count('<details class="fold">') == 2
    assert "&quot;name&quot;: &quot;Ada&quot;" in kept
    assert "&quot;name&quot;: &quot;Ada L.&quot;" in kept


def test_only_unusual_flags_are_named(portal: Client, customer: Customer) -> None:
    usual = enqueue_sync_job(sync_job_type=SYNC, source_doc=customer)
    assert "Unusual" not in facts(read(portal, usual))
    unusual = enqueue_sync_job(
        sync_job_type=SYNC,
        source_doc=customer,
        insert_enabled=False,
        delete_enabled=False,
        update_without_changes_enabled=True,
        priority=3,
        force=True,
    )
    assert facts(read(portal, unusual))["Unusual"] == (
        "inserts switched off, deletes switched off, updates even if nothing differs, forced, priority 3"
    )


def test_the_context_is_shown(portal: Client, customer: Customer) -> None:
    context = {"why": ATTACK, "db_password": "kestrel-41"}
    job = enqueue_sync_job(sync_job_type=SYNC, source_doc=customer, context=context)
    text = read(portal, job)
    assert ATTACK not in text
    assert "&quot;why&quot;: &quot;&lt;script&gt;" in text
    assert "kestrel-41" not in text


def test_a_waiting_job_says_its_place(portal: Client, customer: Customer) -> None:
    jobs = [enqueue_sync_job(sync_job_type=SYNC, source_document_name=str(number)) for number in range(3)]
    SyncJob.objects.update(wait_reason="waits in queue 'default', whose 1 slot is busy")
    assert "place 2 of 3 in queue &#x27;default&#x27;" in read(portal, jobs[1])


def test_why_it_is_held_or_skipped_is_said(portal: Client, make_job: MakeJob, customer: Customer) -> None:
    held = make_job(Status.HELD)
    JobEvent.objects.create(job=held, new="held", reason="12 of 14 would go", created_at=timezone.now())
    assert '<b>Held:</b><span class="said">12 of 14 would go</span>' in read(portal, held)
    assert "12 of 14 would go" in portal.get("/admin/jobs/").content.decode()
    assert "12 of 14 would go" in portal.get("/admin/").content.decode()
    run_sync_job(customer, sync_job_type=SYNC)
    assert "<b>Skipped:</b><span>nothing differs</span>" in read(portal, run_sync_job(customer, sync_job_type=SYNC).job)


def test_a_document_links_to_its_page_if_this_portal_has_one_and_one_may_see_it(
    portal: Client, make_staff: MakeStaff, make_job: MakeJob, admin: User
) -> None:
    document = {"source_document_type": "auth.User", "source_document_name": str(admin.pk)}
    known = make_job(**document, target_document_type="acme.Customer", target_document_name="7")
    link = reverse("admin:auth_user_change", args=[admin.pk])
    assert link in read(portal, known)
    assert "/acme/" not in read(portal, known), "this model is not registered here"
    assert link not in read(make_staff("view_syncjob"), known)
    for odd in ("no such type", "a.b.c", "erp/customers", "syncjobs.SyncJob"):
        assert odd in read(portal, make_job(**document | {"source_document_type": odd}))


# 2. Children


@pytest.fixture
def bundle(db: None) -> Bundle:
    made = Bundle.objects.create(number="B-1")
    BundleItem.objects.bulk_create(BundleItem(bundle=made, article=f"A-{n}", weight=1) for n in range(4))
    return made


def test_a_relay_shows_each_child_with_its_target(portal: Client, bundle: Bundle) -> None:
    run = run_sync_job(bundle, controller="sap_bundle_sync", target_document_type="acme.SAPArticle")
    text = read(portal, run.job)
    assert "4 of 4 done" in text
    assert "<dt>inserted</dt><dd>4</dd>" in text
    for child in run.children:
        assert f'<span class="op insert">insert</span> acme.SAPArticle {child.job.target_document_name}</td>' in text
    assert f'<dt>Child of</dt><dd><a href="/admin/jobs/{run.job.pk}/">' in read(portal, run.children[0].job)


@pytest.fixture
def large_relay(make_job: MakeJob) -> SyncJob:
    """250 children: two failed, one has a retry due, the others are finished."""
    parent = make_job(Status.RELAYED)
    failure = {"class": "data", "code": "x", "message": "article has no weight", "hint": "", "retryable": False}
    later = timezone.now() + timedelta(hours=1)
    failed: dict[int, dict[str, Any]] = {
        100: {"status": "failed", "failure": failure},
        150: {"status": "failed", "failure": failure, "retry_after": later},
        200: {"status": "error", "failure": failure},
    }
    children = [
        SyncJob(
            parent=parent,
            position=number,
            title="child",
            job_type=parent.job_type,
            trigger_type="relay",
            created_at=timezone.now(),
            target_document_type="acme.SAPArticle",
            target_document_name=f"A-{number}",
            counts={"read": 1, "inserted": 1},
            **failed.get(number, {"status": "finished"}),
        )
        for number in range(250)
    ]
    SyncJob.objects.bulk_create(children)
    return parent


def names(text: str) -> list[str]:
    return re.findall(r"acme\.SAPArticle (A-\d+)", text)


def test_pages_of_children_lead_through_all_of_them_in_their_order(portal: Client, large_relay: SyncJob) -> None:
    seen, query = [], ""
    while True:
        text = read(portal, large_relay, f"children/{query}")
        assert 0 < len(names(text)) <= 100
        seen += names(text)
        later = re.search(r'href="(\?[^"]+)">Later', text)
        if later is None:
            break
        query = later[1].replace("&amp;", "&")
    assert seen == [f"A-{number}" for number in range(250)]


@pytest.mark.parametrize(
    ("kind", "expected"), [("failed", ["A-100", "A-200"]), ("open", ["A-150"]), ("nonsense", None)]
)
def test_children_can_be_limited_to_those_that_matter(
    portal: Client, large_relay: SyncJob, kind: str, expected: list[str] | None
) -> None:
    found = names(read(portal, large_relay, f"children/?kind={kind}"))
    assert found == (expected or [f"A-{number}" for number in range(100)])


def test_the_overview_shows_the_roll_up_and_the_failed_children_first(portal: Client, large_relay: SyncJob) -> None:
    text = read(portal, large_relay)
    assert "247 of 250 done · 2 failed or canceled · 1 to go" in text
    assert "<dt>read</dt><dd>250</dd>" in text
    assert names(text)[:4] == ["A-100", "A-200", "A-150", "A-0"]
    assert len(names(text)) == 20
    assert "data: article has no weight" in text


@pytest.mark.parametrize("tab", ["", "children/"])
def test_a_relays_pages_ask_as_little_of_many_children_as_of_few(
    portal: Client, make_job: MakeJob, large_relay: SyncJob, tab: str
) -> None:
    small = make_job(Status.RELAYED)
    for number in range(3):
        make_job(Status.FINISHED, parent=small, position=number)

    def asked(job: SyncJob) -> int:
        with CaptureQueriesContext(connection) as queries:
            read(portal, job, tab)
        return len(queries)

    assert asked(large_relay) == asked(small) <= 30
