"""Whose address a request has when proxies stand in front."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase]


class ClientAddressMiddleware:
    """Puts what the outermost of SYNCDECK_PROXIES proxies saw into REMOTE_ADDR; what a visitor made up is not read."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        addresses = request.headers.get("X-Forwarded-For", "").split(",")
        if 0 < settings.SYNCDECK_PROXIES <= len(addresses):
            seen = addresses[-settings.SYNCDECK_PROXIES].strip()
            if _is_address(seen):
                request.META["REMOTE_ADDR"] = seen
        return self.get_response(request)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
