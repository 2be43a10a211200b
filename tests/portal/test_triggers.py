"""The pages of webhooks and chains: made, tested, rotated, switched and deleted; who may not; what jobs' pages link."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from syncjobs.clock import db_now
from syncjobs.models import Chain, ChainStart, SyncJob, SyncJobType, Webhook, WebhookDelivery
from syncjobs.operations.chains import save_chain
from syncjobs.operations.webhooks import create_webhook, rotate_secret
from syncjobs.webhook_signatures import curl_lines, sign
from tests.lifecycle.factories import JobFactory, JobTypeFactory
from tests.portal.conftest import ATTACK, MakeStaff

TYPED = {"name": f"Shop {ATTACK}", "enabled": "on", "overrides": "{}", "context_fields": "[]"}


@pytest.fixture
def job_type(db: None) -> SyncJobType:
    return make_type("airports")


def make_type(slug: str) -> SyncJobType:
    stream = {"source": slug, "target": slug, "key": ["code"]}
    made: SyncJobType = JobTypeFactory.create(slug=slug, name=slug.title(), config={"streams": [stream]})
    return made


def place(job_type: SyncJobType, rest: str = "") -> str:
    return f"/admin/job-types/{job_type.slug}/{rest}"


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def test_webhook_is_made_and_its_secret_shown_once(portal: Client, job_type: SyncJobType) -> None:
    made = portal.post(place(job_type, "webhooks/add/"), TYPED)
    (secret,) = set(re.findall(r"sdh_[A-Za-z0-9_-]{43}", made.content.decode()))
    webhook = Webhook.objects.get()
    assert "no-store" in made["Cache-Control"]
    assert webhook.secrets.reveal() == {"current": secret}
    page = text_of(portal, place(job_type, f"webhooks/{webhook.pk}/"))
    assert webhook.path in page
    assert secret not in page + text_of(portal, place(job_type))
    assert ATTACK not in page + made.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"overrides": '{"queue": "nowhere"}'}, {"context_fields": "[1]"}, {"overrides": "{"}],
    ids=["no name", "queue", "context", "no JSON"],
)
def test_wrong_webhook_is_refused_at_its_field(wrong: dict[str, str], portal: Client, job_type: SyncJobType) -> None:
    response = portal.post(place(job_type, "webhooks/add/"), TYPED | wrong)
    assert (response.status_code, 'class="problem"' in response.content.decode()) == (422, True)
    assert not Webhook.objects.exists()


def test_test_button_hands_in_a_signed_delivery_as_a_dry_run(portal: Client, job_type: SyncJobType) -> None:
    webhook = create_webhook(job_type, name="Shop", actor="ann").webhook
    answer = portal.post(place(job_type, f"webhooks/{webhook.pk}/test/"), follow=True)
    job = SyncJob.objects.get()
    assert (job.dry_run, job.trigger_type) == (True, "webhook")
    assert f"job #{job.pk} is a dry run" in answer.content.decode()
    assert WebhookDelivery.objects.get().delivery_id in text_of(portal, f"/admin/jobs/{job.pk}/")


def test_test_of_a_webhook_that_is_off_says_so(portal: Client, job_type: SyncJobType) -> None:
    webhook = create_webhook(job_type, name="Shop", actor="ann").webhook
    portal.post(place(job_type, f"webhooks/{webhook.pk}/switch/"), {"enabled": "no"})
    answer = portal.post(place(job_type, f"webhooks/{webhook.pk}/test/"), follow=True)
    assert "the webhook is switched off" in answer.content.decode()
    assert not SyncJob.objects.exists()


def test_new_secret_is_shown_and_the_old_one_can_be_ended(portal: Client, job_type: SyncJobType) -> None:
    made = create_webhook(job_type, name="Shop", actor="ann")
    one = place(job_type, f"webhooks/{made.webhook.pk}/")
    shown = portal.post(f"{one}rotate/", {"hours": 2}).content.decode()
    (secret,) = set(re.findall(r"sdh_[A-Za-z0-9_-]{43}", shown))
    assert Webhook.objects.get().secrets.reveal() == {"current": secret, "previous": made.secret}
    assert "Two secrets are good" in text_of(portal, one)
    portal.post(f"{one}drop/")
    assert Webhook.objects.get().secrets.reveal() == {"current": secret}
    assert portal.post(f"{one}rotate/", {"hours": 10_000}).status_code == 422


def test_deleting_asks_first(portal: Client, job_type: SyncJobType) -> None:
    webhook = create_webhook(job_type, name="Shop", actor="ann").webhook
    chain = save_chain(from_type=job_type, to_type=make_type("report"), actor="ann")
    for rest in (f"webhooks/{webhook.pk}/delete/", f"chains/{chain.pk}/delete/"):
        assert "be" in text_of(portal, place(job_type, rest))
        assert Webhook.objects.exists() or Chain.objects.exists()
        portal.post(place(job_type, rest))
    assert not Webhook.objects.exists()
    assert not Chain.objects.exists()


def test_chain_is_made_edited_and_refused_in_a_ring(portal: Client, job_type: SyncJobType) -> None:
    report = make_type("report")
    made = portal.post(place(job_type, "chains/add/"), {"to_type": report.pk, "when": "change", "enabled": "on"})
    assert made.status_code == 302
    chain = Chain.objects.get()
    portal.post(place(job_type, f"chains/{chain.pk}/"), {"to_type": report.pk, "when": "always"})
    chain.refresh_from_db()
    assert (chain.when, chain.enabled) == ("always", False)
    ring = portal.post(place(report, "chains/add/"), {"to_type": job_type.pk, "when": "success"})
    assert (ring.status_code, "report → airports → report" in ring.content.decode()) == (422, True)
    assert "After" in text_of(portal, place(report))


def test_edit_of_an_older_version_is_refused_and_loses_nothing(portal: Client, job_type: SyncJobType) -> None:
    webhook = create_webhook(job_type, name="Shop", actor="ann").webhook
    chain = save_chain(from_type=job_type, to_type=make_type("load"), actor="ann")
    forms = {
        f"webhooks/{webhook.pk}/edit/": {"name": "Till", "overrides": "{}", "context_fields": "[]"},
        f"chains/{chain.pk}/": {"to_type": str(chain.to_type_id), "when": "always"},
    }
    for rest, typed in forms.items():
        assert 'name="version" value="1"' in portal.get(place(job_type, rest)).content.decode()
        assert portal.post(place(job_type, rest), typed | {"version": "1"}).status_code == 302
        late = portal.post(place(job_type, rest), typed | {"version": "1"})
        assert late.status_code == 422
        assert "was changed by someone else" in late.content.decode()


def test_both_jobs_pages_link_each_other(portal: Client, job_type: SyncJobType) -> None:
    chain = save_chain(from_type=job_type, to_type=make_type("report"), actor="ann")
    first = JobFactory.create(job_type=job_type, status="finished")
    second = JobFactory.create(
        job_type=chain.to_type, trigger_type="chain", triggered_by_document_type="syncjobs.SyncJob",
        triggered_by_document_name=str(first.pk),
    )  # fmt: skip
    now = db_now()
    ChainStart.objects.create(chain=chain, job=first, started_job=second, state="started", due_at=now, created_at=now)
    assert f'href="/admin/jobs/{second.pk}/"' in text_of(portal, f"/admin/jobs/{first.pk}/")
    assert f'href="/admin/jobs/{first.pk}/"' in text_of(portal, f"/admin/jobs/{second.pk}/")


def test_why_a_chain_started_nothing_is_on_the_jobs_page(portal: Client, job_type: SyncJobType) -> None:
    chain = save_chain(from_type=job_type, to_type=make_type("report"), actor="ann")
    job, now = JobFactory.create(job_type=job_type, status="finished"), db_now()
    told = "Report is paused; resume it first"
    ChainStart.objects.create(chain=chain, job=job, state="not_started", reason=told, due_at=now, created_at=now)
    assert told in text_of(portal, f"/admin/jobs/{job.pk}/")


def test_viewer_sees_that_there_is_a_webhook_but_neither_address_nor_buttons(
    make_staff: MakeStaff, job_type: SyncJobType
) -> None:
    webhook = create_webhook(job_type, name="Shop", actor="ann").webhook
    chain = save_chain(from_type=job_type, to_type=make_type("report"), actor="ann")
    viewer = make_staff("view_syncjobtype", "view_syncjob")
    one = place(job_type, f"webhooks/{webhook.pk}/")
    page = text_of(viewer, one)
    assert "Shop" in page
    assert webhook.public_id not in page
    gets = ["webhooks/add/", f"webhooks/{webhook.pk}/edit/", f"webhooks/{webhook.pk}/rotate/", "chains/add/"]
    gets += [f"webhooks/{webhook.pk}/delete/", f"chains/{chain.pk}/", f"chains/{chain.pk}/delete/"]
    assert {viewer.get(place(job_type, rest)).status_code for rest in gets} == {403}
    posts = [f"{one}{verb}/" for verb in ("switch", "drop", "test", "rotate", "delete")]
    assert {viewer.post(address).status_code for address in posts} == {403}
    assert Webhook.objects.get().enabled


def test_webhook_of_another_type_is_not_found_here(portal: Client, job_type: SyncJobType) -> None:
    webhook = create_webhook(job_type, name="Shop", actor="ann").webhook
    other = make_type("report")
    assert portal.get(place(other, f"webhooks/{webhook.pk}/")).status_code == 404
    assert portal.get(place(other, "webhooks/99999999999999999999/")).status_code == 404


def test_queries_do_not_grow_with_deliveries_webhooks_or_chains(portal: Client, job_type: SyncJobType) -> None:
    webhook, now = create_webhook(job_type, name="Shop", actor="ann").webhook, db_now()
    pages = (place(job_type), place(job_type, f"webhooks/{webhook.pk}/"))

    def add(number: int) -> None:
        create_webhook(job_type, name=f"Shop {number}", actor="ann")
        save_chain(from_type=job_type, to_type=make_type(f"next-{number}"), actor="ann")
        save_chain(from_type=make_type(f"before-{number}"), to_type=job_type, actor="ann")
        job = JobFactory.create(job_type=job_type, status="finished")
        WebhookDelivery.objects.create(
            webhook=webhook, delivery_id=f"d-{number}", signed_digest=str(number), job=job, outcome="accepted",
            received_at=now, last_received_at=now - timedelta(seconds=number),
        )  # fmt: skip

    def count() -> list[int]:
        counts = []
        for page in pages:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                portal.get(page)
            counts.append(len(queries))
        return counts

    add(0)
    before = count()
    for number in range(1, 6):
        add(number)
    assert count() == before


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_lines_to_copy_sign_as_we_do() -> None:
    lines = curl_lines("http://localhost/hooks/x/", "sdh_the-secret-of-this-test").partition("curl -X")[0]
    shown = subprocess.run(
        ["/bin/sh", "-c", f'{lines}printf "%s %s %s" "$TIME" "$SIGNATURE" "$BODY"'],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    timestamp, signature, body = shown.stdout.split(" ", 2)
    assert sign("sdh_the-secret-of-this-test", timestamp, body.encode()) == f"v1={signature}"


def test_rotation_keeps_the_secret_readable_by_its_row_only(job_type: SyncJobType) -> None:
    made = rotate_secret(create_webhook(job_type, name="Shop", actor="ann").webhook, actor="ann")
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM syncjobs_webhook")
        assert made.secret not in cursor.fetchone()[0]
