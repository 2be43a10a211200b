"""The one shape in which anything says no to a program. Knows neither Django REST framework nor the operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse

from connectors.redaction import redact
from syncjobs.log_context import bound_fields

PLACES = ("/api/", "/sync/", "/hooks/")
"""Below these every answer is for programs."""
CODES = {
    400: ("bad_request", "The request can not be read."),
    401: ("unauthenticated", "Send a valid token, or sign in at the portal."),
    403: ("permission_denied", "You may not do this."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("too_large", "The request is too large."),
    500: ("internal", "Something broke at our side; the log names this request_id."),
    503: ("database_unavailable", "Syncdeck's database can not be reached at present; try again in a while."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong: a word for programs, a sentence for people, messages by field, and further facts beside them."""

    status: int
    code: str
    message: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def as_body(self) -> dict[str, Any]:
        """`{"error": {"code", "message", "fields", "request_id"}}`, with the facts beside these."""
        shape = {"code": self.code, "message": redact(self.message), "fields": self.fields}
        return {"error": shape | {"request_id": bound_fields().get("request_id")} | self.facts}


def problem_of_status(status: int) -> Problem:
    """For answers that are not ours, such as Django's own pages of errors."""
    known = CODES.get(status)
    code, message = known or ("error", f"{HTTPStatus(status).phrase}.")
    return Problem(status, code, message)


def answer(problem: Problem) -> JsonResponse:
    """The problem as an answer of Django's."""
    return JsonResponse(problem.as_body(), status=problem.status, headers=problem.headers)
