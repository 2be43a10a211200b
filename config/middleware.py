"""What every answer carries, and the one answer that needs nothing else to work."""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from syncjobs.api.problems import PLACES, answer, problem_of_status
from syncjobs.asking import Asker, Door, asking
from syncjobs.log_context import bind, bound_fields
from syncjobs.operations.visible import Viewer, seen_by

Handler = Callable[[HttpRequest], HttpResponseBase]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)
DOORS = {**dict.fromkeys(PLACES, Door.API), "/admin/": Door.PORTAL, "/hooks/": Door.WEBHOOK}
"""By how an address begins, the first that fits; below others lie the views of apps that SYNCDECK_APPS adds."""
PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()" for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
)


class LivenessMiddleware:
    """Answers /livez before hosts, sessions or the database are looked at: the process lives, nothing more."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/livez":
            return HttpResponse("ok", content_type="text/plain")
        return self.get_response(request)


class RequestIdMiddleware:
    """Gives each request an id, that of the asker if it is a plain one; log lines and the answer carry it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if PLAIN_ID.fullmatch(given) else uuid.uuid4().hex
        with bind(request_id=request_id):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


class ProblemMiddleware:
    """Turns every other error that programs would be shown, such as Django's pages, into the API's one shape."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < 400 or not request.path.startswith(PLACES):
            return response
        if response.headers.get("Content-Type", "").startswith("application/json"):
            return response
        told = answer(problem_of_status(response.status_code))
        for name in ("Allow", "Retry-After", "WWW-Authenticate"):
            if name in response.headers:
                told.headers[name] = response.headers[name]
        return told


class SecurityHeadersMiddleware:
    """Adds the content security policy and the permissions policy to every answer."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
        return response


class ViewerMiddleware:
    """Lets whoever asks see what the grants of connectors allow them: the person of the session, or a token's owner."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        viewer = Viewer(lambda: request.user)  # the API puts the owner of a token there
        with seen_by(viewer):
            response = self.get_response(request)
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = _seen_chunks(response.streaming_content, viewer)  # type: ignore[arg-type]
        return response


class AskerMiddleware:
    """Tells the audit who asks and through which door: the person of the session, or a token's owner."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        door = next((door for place, door in DOORS.items() if request.path.startswith(place)), Door.SYSTEM)
        request_id = str(bound_fields().get("request_id", ""))
        ip = request.META.get("REMOTE_ADDR") or None
        with asking(Asker(door, lambda: request.user.get_username(), ip, request_id)):
            return self.get_response(request)


def _seen_chunks(chunks: Iterable[bytes], viewer: Viewer) -> Iterator[bytes]:
    """What is read while it is sent is read for the same person."""
    found = iter(chunks)
    while True:
        with seen_by(viewer):
            chunk = next(found, None)
        if chunk is None:
            return
        yield chunk
