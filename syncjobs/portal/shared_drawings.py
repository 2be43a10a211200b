"""One drawing for all who follow the same thing at the same moment, so that many open pages cost little more than one.

It is shared for a second within this process, among people with the same rights who see the same connectors. Pages ask
every two seconds, so what they get is newer than what they show.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest

from syncjobs.operations.visible import hidden_connectors

SHARED_SECONDS = 1.0


def find_drawing(request: HttpRequest, thing: str, *about: str) -> Any:
    """What was drawn for this address (`about` tells its parts apart) of the thing within the last second, or None."""
    return cache.get(_key(request, thing, about))


def share_drawing(request: HttpRequest, thing: str, *about: str, drawn: Any) -> None:
    """Let others have it, too."""
    cache.set(_key(request, thing, about), drawn, SHARED_SECONDS)


def _key(request: HttpRequest, thing: str, about: tuple[str, ...]) -> str:
    user = request.user
    rights = "all" if user.is_superuser else sorted(user.get_all_permissions())
    hidden = list(hidden_connectors())
    return hashlib.sha256(repr((request.path, thing, about, rights, hidden)).encode()).hexdigest()
