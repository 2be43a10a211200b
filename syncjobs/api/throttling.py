"""How many requests a token or a person may make within a minute; API_REQUESTS_PER_MINUTE has the limits."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from syncjobs.models import ApiToken
from syncjobs.operations.request_counts import count_request

WINDOW_SECONDS = 60


class RequestsPerMinute(BaseThrottle):
    """Reads and writes are counted apart, for each token, or for each person without one."""

    def allow_request(self, request: Request, view: Any) -> bool:
        kind = "read" if request.method in SAFE_METHODS else "write"
        limit = settings.API_REQUESTS_PER_MINUTE[kind]
        self.now = time.time()
        return limit is None or count_request(f"{kind}:{_who(request)}", WINDOW_SECONDS, self.now) <= limit

    def wait(self) -> float:
        """Seconds until the next window begins."""
        return WINDOW_SECONDS - self.now % WINDOW_SECONDS


def _who(request: Request) -> str:
    if isinstance(request.auth, ApiToken):
        return f"token:{request.auth.pk}"
    return f"user:{request.user.pk}" if request.user.is_authenticated else f"address:{request.META['REMOTE_ADDR']}"
