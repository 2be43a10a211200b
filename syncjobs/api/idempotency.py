"""`Idempotency-Key`: the same request again gets the answer of the first time, and does nothing.

The key and what the request does are one transaction: whatever ends the process, either both are there or neither.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.clock import db_now
from syncjobs.models import IdempotencyKey

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEYS = rf"^[!-~](?:[ -~]{{0,{LONGEST_KEY - 2}}}[!-~])?$"
KEPT = timedelta(hours=24)
PRUNED_AT_ONCE = 100


class OtherRequest(APIException):
    """The key was used for something else."""

    status_code = 422
    default_code = "idempotency_mismatch"
    default_detail = f"This {HEADER} was used for another request; choose a new one."


class InFlight(APIException):
    """The first request with this key is still at work."""

    status_code = 409
    default_code = "in_flight"
    default_detail = f"A request with this {HEADER} is at work; ask again in a moment."
    wait = 1


def answer_once(request: Request, work: Callable[[], Response]) -> Response:
    """Do the work, or answer as it was answered before. Without the header the work is simply done."""
    key = request.headers.get(HEADER)
    if key is None:
        return work()
    if not re.fullmatch(KEYS, key):
        raise ValidationError({HEADER: [f"It must be 1 to {LONGEST_KEY} printable characters of ASCII."]})
    digest = _digest(request)
    with transaction.atomic():
        _take_turns(request.user, key)
        known = IdempotencyKey.objects.filter(user=request.user, key=key).first()
        if known is not None and db_now() - known.created_at < KEPT:
            return _replay(known, digest)
        _prune(request.user, key)
        answer = work()
        _keep(request.user, key, digest, answer)
    return answer


def _digest(request: Request) -> str:
    """Of method, address and body, however the body is spelled."""
    body = json.dumps(request.data, sort_keys=True)
    return hashlib.sha256(f"{request.method} {request.get_full_path()} {body}".encode()).hexdigest()


def _take_turns(user: User, key: str) -> None:
    """Raise InFlight while another transaction has the key; on SQLite every transaction waits for that anyway."""
    if connection.vendor != "postgresql":
        return
    number = int.from_bytes(hashlib.sha256(f"idempotency {user.pk} {key}".encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise InFlight


def _replay(known: IdempotencyKey, digest: str) -> Response:
    if known.request_digest != digest:
        raise OtherRequest
    return Response(json.loads(known.body), status=known.status, headers={"Idempotent-Replayed": "true"})


def _prune(user: User, key: str) -> None:
    """Remove some keys that are too old to count, and this one."""
    old = IdempotencyKey.objects.filter(created_at__lt=db_now() - KEPT).values("pk")[:PRUNED_AT_ONCE]
    IdempotencyKey.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
    IdempotencyKey.objects.filter(user=user, key=key).delete()


def _keep(user: User, key: str, digest: str, answer: Response) -> None:
    body = json.dumps(answer.data, cls=DjangoJSONEncoder)
    IdempotencyKey.objects.create(
        user=user, key=key, request_digest=digest, status=answer.status_code, body=body, created_at=db_now()
    )
