"""Counts requests within windows of time, atomically: in Redis where the broker is one, else in the database."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from syncjobs.models import RequestCount

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.25
SULK_SECONDS = 10.0
UPSERT = """
INSERT INTO {table} (who, "window", number) VALUES (%s, %s, 1)
ON CONFLICT (who) DO UPDATE SET
    number = CASE WHEN {table}."window" = excluded."window" THEN {table}.number + 1 ELSE 1 END,
    "window" = excluded."window"
RETURNING number
"""
_away_until = 0.0  # of this process: Redis did not answer, so for a while it is not asked


def count_request(who: str, seconds: int, now: float) -> int:
    """How many requests `who` has made in the present window, this one included."""
    window = int(now) // seconds
    number = _count_in_redis(f"syncdeck:rate:{who}:{window}", seconds)
    return _count_in_database(who, window) if number is None else number


def forget_requests(who: str, seconds: int, now: float) -> None:
    """Begin the present window anew, wherever it was counted."""
    window = int(now) // seconds
    RequestCount.objects.filter(who=who, window=window).delete()
    client = redis_client(settings.CELERY_BROKER_URL)
    if client is not None and time.monotonic() >= _away_until:
        with suppress(redis.RedisError):
            client.delete(f"syncdeck:rate:{who}:{window}")


def _count_in_redis(key: str, seconds: int) -> int | None:
    """None where there is no Redis, or it does not answer at once."""
    global _away_until
    client = redis_client(settings.CELERY_BROKER_URL)
    if client is None or time.monotonic() < _away_until:
        return None
    try:
        pipeline = client.pipeline(transaction=True)
        pipeline.incr(key)
        pipeline.expire(key, seconds * 2)
        number, _ = pipeline.execute()
    except redis.RedisError as error:
        _away_until = time.monotonic() + SULK_SECONDS
        logger.warning("Requests are counted in the database, since Redis does not: %s", type(error).__name__)
        return None
    return int(number)


@cache
def redis_client(url: str) -> redis.Redis | None:
    """A client of the broker, if it is Redis; it waits a quarter of a second at most."""
    parts = urlsplit(url)
    patience: dict[str, Any] = {"socket_timeout": PATIENCE_SECONDS, "socket_connect_timeout": PATIENCE_SECONDS}
    patience["retry"] = Retry(NoBackoff(), 0)  # else a client tries for seconds
    if parts.scheme in ("redis+socket", "unix"):
        return redis.Redis(unix_socket_path=unquote(parts.path), **patience)
    return redis.Redis.from_url(url, **patience) if parts.scheme in ("redis", "rediss") else None


def _count_in_database(who: str, window: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(UPSERT.format(table=RequestCount._meta.db_table), [who, window])  # the table is ours
        (number,) = cursor.fetchone()
    return int(number)
