"""Locks the login for a while after many wrong passwords, whether or not there is a person of that name.

A try is counted before its password is looked at, atomically, so that many at once gain nothing.
"""

from __future__ import annotations

import hashlib
import math
import time
import unicodedata
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from syncjobs.operations.request_counts import count_request, forget_requests

WINDOW_SECONDS = 900
MOST_FROM_ADDRESS, MOST_FOR_NAME = 10, 100
"""Tries for a name: from one address, which locks that address only; and from all, which slows many of them down."""
LOCKED = "locked"


class GuardedLoginForm(AdminAuthenticationForm):
    """The login's form, which refuses to look at a password too often."""

    def clean(self) -> Any:
        name = self.cleaned_data.get("username")
        if not name or self.request is None:
            return super().clean()
        now, tries = time.time(), _counters(name, str(self.request.META.get("REMOTE_ADDR")))
        if any(count_request(who, WINDOW_SECONDS, now) > most for who, most in tries.items()):
            minutes = math.ceil(seconds_left(now) / 60)
            message = f"Too many tries to log in. Wait {minutes} minute{'s' if minutes > 1 else ''}, then try again."
            raise ValidationError(message, code=LOCKED)
        cleaned = super().clean()
        forget_requests(next(iter(tries)), WINDOW_SECONDS, now)
        return cleaned


def seconds_left(now: float) -> int:
    """Until tries are counted anew."""
    return WINDOW_SECONDS - int(now) % WINDOW_SECONDS


def _counters(name: str, address: str) -> dict[str, int]:
    """{who is counted: how often}; names are told apart as the login does, and may be long."""
    plain = unicodedata.normalize("NFKC", name)
    digests = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in (f"{plain} {address}", plain)]
    return {f"login:from:{digests[0]}": MOST_FROM_ADDRESS, f"login:for:{digests[1]}": MOST_FOR_NAME}
