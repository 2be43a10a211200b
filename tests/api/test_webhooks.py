"""Webhooks as a sender meets them: who is heard, what starts, and what it is answered."""

from __future__ import annotations

import json
import threading
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client, RequestFactory

from syncjobs.api import hook_views
from syncjobs.clock import db_now
from syncjobs.models import AuditEvent, SyncJob, SyncJobType, Webhook, WebhookDelivery
from syncjobs.operations.webhooks import (
    MadeSecret,
    change_webhook,
    create_webhook,
    drop_previous_secret,
    forget_old_secrets,
    rotate_secret,
)
from syncjobs.triggers.webhooks import KEPT_FOR_EACH, prune_deliveries
from syncjobs.webhook_signatures import sign
from tests.lifecycle.factories import JobTypeFactory

UNHEARD = {"code": "unauthenticated", "message": "There is no such webhook, or the request is not signed for it."}


@pytest.fixture
def made(db: None) -> MadeSecret:
    return make()


def make(**values: Any) -> MadeSecret:
    streams = [{"source": name, "target": name, "key": ["code"]} for name in ("crashes", "people")]
    for stream in streams:
        stream["window"] = {"field": "day", "days": 3}  # type: ignore[assignment]
    job_type = JobTypeFactory.create(slug="cities", name="Cities", config={"streams": streams})
    return create_webhook(job_type, name="Shop", actor="ann", **values)


def headers(secret: str, body: bytes, *, timestamp: str = "", delivery: str = "") -> dict[str, str]:
    timestamp = timestamp or str(int(time.time()))
    return {
        "X-Syncdeck-Timestamp": timestamp,
        "X-Syncdeck-Delivery": delivery or str(uuid.uuid4()),
        "X-Syncdeck-Signature": sign(secret, timestamp, body),
    }


def post(made: MadeSecret, body: bytes = b"{}", *, secret: str = "", path: str = "", **options: Any) -> Any:
    given = options.pop("headers", None) or headers(secret or made.secret, body, **options)
    client = Client(enforce_csrf_checks=True)
    kind = given.pop("content_type", "application/json")
    return client.post(path or made.webhook.path, body, content_type=kind, headers=given)


def problem(answer: Any) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()["error"]
    return told


def test_signed_delivery_starts_one_job_that_knows_it(made: MadeSecret) -> None:
    answer = post(made, b'{"order": 7}', delivery="d-1")
    job = SyncJob.objects.get()
    assert (answer.status_code, answer.json()["job"], answer.json()["replayed"]) == (202, job.pk, False)
    assert (job.trigger_type, job.context, job.status) == ("webhook", {"order": 7}, "queued")
    delivery = WebhookDelivery.objects.get()
    assert (job.triggered_by_document_name, delivery.job_id) == (str(delivery.pk), job.pk)


def test_repeated_delivery_is_answered_with_the_same_job(made: MadeSecret) -> None:
    first, again = post(made, delivery="d-1"), post(made, delivery="d-1")
    assert (first.status_code, again.status_code, again.json()["replayed"]) == (202, 200, True)
    assert again.json()["job"] == first.json()["job"]
    assert (SyncJob.objects.count(), WebhookDelivery.objects.get().repeats) == (1, 1)


def test_signed_bytes_with_another_delivery_id_start_nothing(made: MadeSecret) -> None:
    """The id is not signed, so whoever heard a request could send it again under another one."""
    sent = headers(made.secret, b"{}", delivery="d-1")
    first, again = post(made, headers=dict(sent)), post(made, headers=sent | {"X-Syncdeck-Delivery": "d-2"})
    assert (again.status_code, again.json()["job"]) == (200, first.json()["job"])
    assert SyncJob.objects.count() == 1


def test_delivery_id_with_another_body_is_refused(made: MadeSecret) -> None:
    post(made, b'{"order": 1}', delivery="d-1")
    answer = post(made, b'{"order": 2}', delivery="d-1")
    assert (answer.status_code, problem(answer)["code"]) == (422, "delivery_mismatch")
    assert SyncJob.objects.count() == 1


def flip_a_bit(text: str) -> str:
    return text[:-1] + chr(ord(text[-1]) ^ 1)


@pytest.mark.parametrize("wrong", ["body", "signature", "timestamp", "no headers", "not ascii", "other version", "id"])
def test_whatever_is_not_signed_right_gets_the_answer_of_an_unknown_address(made: MadeSecret, wrong: str) -> None:
    body, path = b'{"order": 7}', made.webhook.path
    given = headers(made.secret, body)
    match wrong:
        case "body":
            body = b'{"order": 5}'
        case "signature":
            given["X-Syncdeck-Signature"] = flip_a_bit(given["X-Syncdeck-Signature"])
        case "timestamp":
            given["X-Syncdeck-Timestamp"] = flip_a_bit(given["X-Syncdeck-Timestamp"])
        case "no headers":
            given = {"Accept": "*/*"}
        case "not ascii":
            given["X-Syncdeck-Signature"] = "v1=ü" + given["X-Syncdeck-Signature"][4:]
        case "other version":
            given["X-Syncdeck-Signature"] = "v2" + given["X-Syncdeck-Signature"][2:]
        case "id":
            path = f"{path[:-2]}/"
    answer = post(made, body, path=path, headers=given)
    told = problem(answer)
    told.pop("request_id")
    assert (answer.status_code, told) == (401, UNHEARD | {"fields": {}})
    assert not SyncJob.objects.exists()


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-299, 202), (299, 202), (302, 401)])
def test_clock_may_be_five_minutes_off(made: MadeSecret, seconds: int, status: int) -> None:
    assert post(made, timestamp=str(int(time.time()) + seconds)).status_code == status


@pytest.mark.parametrize("timestamp", ["1e9", "-5", "٣", "9" * 13, " 1"])
def test_timestamp_must_be_whole_seconds(made: MadeSecret, timestamp: str) -> None:
    given = headers(made.secret, b"{}")
    given |= {"X-Syncdeck-Timestamp": timestamp, "X-Syncdeck-Signature": sign(made.secret, timestamp, b"{}")}
    assert post(made, headers=given).status_code == 401


@pytest.mark.parametrize("delivery", ["a b", "x" * 101, "ü"])
def test_delivery_without_a_usable_id_is_not_heard(made: MadeSecret, delivery: str) -> None:
    assert post(made, delivery=delivery).status_code == 401
    assert not SyncJob.objects.exists()


def test_webhook_that_is_switched_off_is_as_if_it_were_not_there(made: MadeSecret) -> None:
    change_webhook(made.webhook, actor="ann", enabled=False)
    assert post(made).status_code == 401
    (row,) = WebhookDelivery.objects.all()
    assert (row.outcome, row.reason) == ("refused", "the webhook is switched off")


def test_unsigned_requests_leave_one_row_for_each_reason(made: MadeSecret) -> None:
    for _ in range(3):
        post(made, secret="sdh_another-secret-altogether")
    row = WebhookDelivery.objects.get()
    assert (row.reason, row.repeats, row.delivery_id) == ("the signature does not fit", 2, "")


def test_both_secrets_are_good_while_one_replaces_the_other(made: MadeSecret) -> None:
    new = rotate_secret(made.webhook, actor="ann", hours=1)
    answers = [post(made, body, secret=secret) for body, secret in ((b"{}", made.secret), (b"{ }", new.secret))]
    assert [answer.status_code for answer in answers] == [202, 202]
    Webhook.objects.update(previous_until=db_now() - timedelta(seconds=1))
    assert post(made).status_code == 401
    assert forget_old_secrets(db_now()) == 1
    assert Webhook.objects.get().secrets.reveal() == {"current": new.secret}


@pytest.mark.parametrize("way", ["drop it", "at once"])
def test_old_secret_can_be_ended_at_once(made: MadeSecret, way: str) -> None:
    new = rotate_secret(made.webhook, actor="ann", hours=1 if way == "drop it" else 0)
    drop_previous_secret(new.webhook, actor="ann")
    assert post(made).status_code == 401
    assert post(made, secret=new.secret).status_code == 202


def test_secrets_lie_encrypted_and_bound_to_their_row(made: MadeSecret) -> None:
    other = create_webhook(made.webhook.job_type, name="Other", actor="ann")
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM syncjobs_webhook ORDER BY id")
        first, _ = (row[0] for row in cursor.fetchall())
        assert made.secret not in first
        cursor.execute("UPDATE syncjobs_webhook SET secrets = %s WHERE id = %s", [first, other.webhook.pk])
    assert post(other, secret=made.secret).status_code == 401


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_other_kinds_of_content_are_refused(made: MadeSecret, kind: str) -> None:
    answer = post(made, headers=headers(made.secret, b"{}") | {"content_type": kind})
    assert (answer.status_code, problem(answer)["code"]) == (415, "unsupported_media_type")


def test_body_over_the_limit_is_refused_whoever_sends_it(made: MadeSecret, settings: LazySettings) -> None:
    body = b'{"a": "' + b"x" * settings.WEBHOOK_LARGEST_BODY + b'"}'
    assert [post(made, body, path=path).status_code for path in ("", "/hooks/unknown/")] == [413, 413]


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"null", b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"a": "\\u0000"}'),
        *(b"[" * 100_000, b"{", b"\xff", b'{"a": 1e999}'),
    ],
    ids=["list", "null", "NaN", "twice", "NUL", "deep", "cut", "not UTF-8", "too large"],
)
def test_body_that_is_no_strict_object_is_refused_and_seen(made: MadeSecret, body: bytes) -> None:
    answer = post(made, body)
    assert answer.status_code == 400
    assert problem(answer)["code"]
    assert WebhookDelivery.objects.get().outcome == "refused"
    assert not SyncJob.objects.exists()


def test_disabled_and_paused_types_start_nothing_and_say_so(made: MadeSecret) -> None:
    SyncJobType.objects.update(enabled=False)
    disabled = post(made, delivery="d-1")
    SyncJobType.objects.update(enabled=True, paused_at=db_now())
    paused = post(made, b"{ }", delivery="d-2")
    assert [answer.status_code for answer in (disabled, paused)] == [409, 409]
    assert "not enabled" in problem(disabled)["message"]
    assert "paused" in problem(paused)["message"]
    assert not SyncJob.objects.exists()


def test_refused_delivery_may_be_sent_again_signed_anew_but_not_replayed(made: MadeSecret) -> None:
    SyncJobType.objects.update(paused_at=db_now())
    sent = headers(made.secret, b"{}", delivery="d-1")
    assert post(made, headers=dict(sent)).status_code == 409
    SyncJobType.objects.update(paused_at=None)
    assert post(made, headers=dict(sent)).status_code == 409
    anew = post(made, delivery="d-1", timestamp=str(int(time.time()) + 1))
    assert (anew.status_code, WebhookDelivery.objects.get().outcome) == (202, "accepted")


def test_declared_fields_of_the_body_limit_the_run(made: MadeSecret) -> None:
    change_webhook(
        made.webhook,
        actor="ann",
        context_fields=["order"],
        endpoints_field="tables",
        start_date_field="since",
        overrides={"batch_size": 100, "context": {"shop": "b"}},
    )
    body = {"order": 7, "shop": "a", "tables": ["people"], "since": "2026-01-01", "dry_run": True, "queue": "long"}
    assert post(made, json.dumps(body).encode()).status_code == 202
    job = SyncJob.objects.get()
    (stream,) = job.config_snapshot["config"]["streams"]
    assert job.context == {"order": 7, "shop": "b"}
    assert (stream["source"], stream["batch_size"], job.dry_run, job.queue) == ("people", 100, False, "default")


@pytest.mark.parametrize("tables", [["nothing of the kind"], "people", [1]], ids=["unknown", "no list", "no text"])
def test_wrong_value_for_the_run_is_refused(made: MadeSecret, tables: Any) -> None:
    change_webhook(made.webhook, actor="ann", endpoints_field="tables")
    assert post(made, json.dumps({"tables": tables}).encode()).status_code == 400
    assert not SyncJob.objects.exists()


def test_senders_and_strangers_are_throttled_apart(made: MadeSecret, settings: LazySettings) -> None:
    settings.WEBHOOK_REQUESTS_PER_MINUTE = {"signed": 2, "unsigned": 1}
    strangers = [post(made, path="/hooks/unknown/") for _ in range(3)]
    senders = [post(made, json.dumps({"n": n}).encode()) for n in range(4)]
    assert strangers[-1].status_code == 429
    assert senders[0].status_code == 202
    assert senders[-1].status_code == 429
    assert 1 <= int(senders[-1].headers["Retry-After"]) <= 60
    assert problem(senders[-1])["code"] == "throttled"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_only_post_is_taken(made: MadeSecret, method: str) -> None:
    answers = [getattr(Client(), method)(path) for path in (made.webhook.path, "/hooks/unknown/")]
    assert [(answer.status_code, answer.headers["Allow"]) for answer in answers] == [(405, "POST")] * 2


def test_start_by_a_webhook_is_in_the_audit_as_such(made: MadeSecret) -> None:
    post(made)
    assert "webhook.create" in AuditEvent.objects.values_list("verb", flat=True)


def test_old_deliveries_are_pruned_to_the_newest(made: MadeSecret) -> None:
    long_ago = db_now() - timedelta(hours=2)
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            webhook=made.webhook, delivery_id=f"d-{number}", outcome="accepted", signed_digest=str(number),
            received_at=long_ago, last_received_at=long_ago,
        )
        for number in range(KEPT_FOR_EACH + 5)
    )  # fmt: skip
    post(made)
    assert prune_deliveries(db_now()) == 6
    assert WebhookDelivery.objects.count() == KEPT_FOR_EACH


def test_200_parallel_sendings_of_one_delivery_start_one_job(rows_on_postgresql: None, settings: LazySettings) -> None:
    settings.WEBHOOK_REQUESTS_PER_MINUTE = {"signed": None, "unsigned": None}
    made = make()
    statuses: list[int] = []
    together = threading.Barrier(20)

    def send() -> None:
        try:
            together.wait(30)
            statuses.extend(post(made, delivery="d-1").status_code for _ in range(10))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 199 + [202]
    assert (SyncJob.objects.count(), WebhookDelivery.objects.get().repeats) == (1, 199)


def test_note_of_a_stranger_is_made_after_the_answer(made: MadeSecret, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the time would tell which addresses there are."""
    monkeypatch.setattr(HttpResponse, "close", lambda _answer: None)  # it ends the test's own connection
    request = RequestFactory().post(made.webhook.path, b"{}", content_type="application/json")
    answer = hook_views.receive_webhook(request, made.webhook.public_id)
    assert not WebhookDelivery.objects.exists()
    answer.close()
    assert WebhookDelivery.objects.count() == 1
