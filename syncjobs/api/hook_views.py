"""`POST /hooks/<id>/`: where other programs start a type by a signed request. No session, no token, no CSRF.

Whoever is not heard gets one and the same answer, whether the address, the signature or the time is wrong.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import UnsupportedMediaType

from syncjobs.api.errors import problem_of
from syncjobs.api.parsing import refuse_encodings
from syncjobs.api.problems import Problem, answer, problem_of_status
from syncjobs.api.strict_json import Unreadable, read_object
from syncjobs.clock import db_now
from syncjobs.models import Webhook, WebhookDelivery
from syncjobs.operations.request_counts import count_request
from syncjobs.triggers import webhooks
from syncjobs.triggers.webhooks import OtherBody, SignedRequest, Taken
from syncjobs.webhook_signatures import DELIVERY, SIGNATURE, TIMESTAMP

logger = logging.getLogger("syncjobs.webhooks")
WINDOW_SECONDS = 60
UNHEARD = Problem(401, "unauthenticated", "There is no such webhook, or the request is not signed for it.")
NOT_POSTED = Problem(405, "method_not_allowed", "Post the delivery.", headers={"Allow": "POST"})
JSON = "application/json"
GIVEN = (TIMESTAMP, DELIVERY, SIGNATURE)


class LateWork(JsonResponse):
    """An answer after which something is done, so that nobody learns from how long it takes."""

    def __init__(self, problem: Problem, work: Callable[[], None]) -> None:
        super().__init__(problem.as_body(), status=problem.status, headers=problem.headers)
        self._work = work

    def close(self) -> None:
        self._work()
        super().close()


@csrf_exempt
def receive_webhook(request: HttpRequest, public_id: str) -> HttpResponse:
    """Start the job of a signed delivery: 202, or 200 if this delivery had started it before."""
    if request.method != "POST":
        return answer(NOT_POSTED)
    try:
        return _receive(request, public_id)
    except (OperationalError, InterfaceError) as error:
        logger.error("A webhook found no database: %s", error)
        return answer(problem_of_status(503))


def _receive(request: HttpRequest, public_id: str) -> HttpResponse:
    if problem := _problem_of_form(request):
        return answer(problem)
    limit = settings.WEBHOOK_LARGEST_BODY
    body = request.read(limit + 1)
    if len(body) > limit:
        return answer(Problem(413, "too_large", f"The body is larger than {limit:,} bytes."))
    timestamp, delivery_id, signature = (request.headers.get(name, "")[:300] for name in GIVEN)
    signed = SignedRequest(public_id, timestamp, delivery_id, signature, body)
    heard = webhooks.hear(signed, db_now())
    if heard.webhook is None:
        return _answer_unheard(request, heard.known, heard.reason)
    if wait := _seconds_to_wait(f"hook:{heard.webhook.pk}", settings.WEBHOOK_REQUESTS_PER_MINUTE["signed"]):
        return answer(_throttled(wait))
    return answer_delivery(heard.webhook, signed)


def answer_delivery(webhook: Webhook, signed: SignedRequest, *, dry_run: bool = False) -> HttpResponse:
    """What the sender of a request that was heard is told."""
    content, unreadable = _read(signed.body)
    try:
        taken = webhooks.take_delivery(webhook, signed, content, db_now(), dry_run=dry_run)
    except OtherBody as error:
        return answer(Problem(422, "delivery_mismatch", f"{str(error).capitalize()}."))
    if unreadable is not None:
        return answer(Problem(400, unreadable.code, unreadable.message))
    if taken.delivery.outcome == WebhookDelivery.Outcome.REFUSED:
        return answer(_problem_of_refusal(taken))
    return _answer_job(webhook, taken)


def _problem_of_form(request: HttpRequest) -> Problem | None:
    """What is wrong whatever the address."""
    if request.content_type != JSON:
        return Problem(415, "unsupported_media_type", f"Send {JSON}.")
    try:
        refuse_encodings(request.META)
    except UnsupportedMediaType as error:
        return Problem(415, "unsupported_media_type", str(error.detail))
    return None


def _answer_unheard(request: HttpRequest, known: Webhook | None, reason: str) -> HttpResponse:
    limit = settings.WEBHOOK_REQUESTS_PER_MINUTE["unsigned"]
    if wait := _seconds_to_wait(f"hook-unheard:{request.META.get('REMOTE_ADDR', '')}", limit):
        return answer(_throttled(wait))
    logger.warning("A request to a webhook is not heard: %s", reason)
    if known is None:
        return answer(UNHEARD)
    webhook = known
    return LateWork(UNHEARD, lambda: webhooks.note_unheard(webhook, reason, db_now()))


def _seconds_to_wait(who: str, limit: int | None) -> int:
    now = time.time()
    if limit is None or count_request(who, WINDOW_SECONDS, now) <= limit:
        return 0
    return max(1, round(WINDOW_SECONDS - now % WINDOW_SECONDS))


def _throttled(seconds: int) -> Problem:
    told = f"Too many requests; try again in {seconds} s."
    return Problem(429, "throttled", told, headers={"Retry-After": str(seconds)})


def _read(body: bytes) -> tuple[dict[str, Any] | None, Unreadable | None]:
    """The object of the body; no body is an empty object."""
    try:
        return (read_object(body) if body.strip() else {}), None
    except Unreadable as error:
        return None, error


def _problem_of_refusal(taken: Taken) -> Problem:
    if taken.refusal is not None and (problem := problem_of(taken.refusal)) is not None:
        return problem
    told = f"This delivery was refused before: {taken.delivery.reason}. Sign it anew to try again."
    return Problem(409, "conflict", told)


def _answer_job(webhook: Webhook, taken: Taken) -> HttpResponse:
    delivery = taken.delivery
    body = {
        "delivery": delivery.delivery_id,
        "job": delivery.job_id,
        "job_type": webhook.job_type.slug,
        "replayed": taken.is_repeat,
    }
    return JsonResponse(body, status=200 if taken.is_repeat else 202)
