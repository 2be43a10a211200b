"""Turns whatever a request raises into a problem: Django REST framework's errors, Django's, and the operations'."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions as rest
from rest_framework.response import Response

from connectors.deleting import ConnectorInUse
from connectors.errors import SyncError
from connectors.models import EditConflict
from syncjobs.api.problems import Problem, problem_of_status
from syncjobs.api.strict_json import Unreadable
from syncjobs.lifecycle import StatusConflict
from syncjobs.mapping import ConfigProblems
from syncjobs.operations.connectors import ConnectorExists
from syncjobs.operations.cursors import NothingToRewindTo, RewindRefused
from syncjobs.operations.deletions import TypeInUse
from syncjobs.operations.job_type_states import JobTypeStateConflict
from syncjobs.operations.job_types import SlugTaken
from syncjobs.operations.query_rights import QueryRefused
from syncjobs.operations.run_requests import RunRefused, TypeDisabled, TypePaused
from syncjobs.operations.secret_rights import SecretsRefused
from syncjobs.record_keys import UnreadableKey

logger = logging.getLogger("syncjobs.api")

CONFLICTS = (JobTypeStateConflict, EditConflict, TypeInUse, ConnectorInUse, RewindRefused, TypePaused, TypeDisabled)
CODES_TOLD = {"address_refused": "ssrf_blocked", "outside_root": "outside_root"}
"""What is told by a word of its own, where a field is refused for it."""
NO_TOKEN = "Send a valid token: Authorization: Token <token>, or sign in."  # noqa: S105 - a sentence


def answer_problem(error: Exception, _context: dict[str, Any]) -> HttpResponse:
    """The exception handler of Django REST framework. What nobody expects is logged and told without detail."""
    problem = problem_of(error)
    if problem is None:
        logger.error("A request to the API broke off: %s", type(error).__name__, exc_info=error)
        problem = problem_of_status(500)
    headers = {**problem.headers, **_headers_of(error)}
    return Response(problem.as_body(), status=problem.status, headers=headers)


def problem_of(error: Exception) -> Problem | None:
    """The problem that an exception stands for; None for a bug."""
    match error:
        case Unreadable():
            return Problem(400, error.code, error.message)
        case StatusConflict():
            facts = {"allowed_actions": list(error.allowed_actions), "job": error.job_id, "status": error.status.value}
            return Problem(409, "status_conflict", _sentence(error), facts=facts)
        case OperationalError() | InterfaceError():
            logger.error("A request to the API found no database: %s", error)
            return problem_of_status(503)
        case Http404() | ObjectDoesNotExist():
            return Problem(404, "not_found", _sentence(error))
        case PermissionDenied():
            return problem_of_status(403)
        case RequestDataTooBig():
            return problem_of_status(413)
        case rest.APIException():
            return _problem_of_rest(error)
    return _problem_of_operation(error)


def _problem_of_operation(error: Exception) -> Problem | None:
    match error:
        case ConfigProblems():
            return Problem(400, "invalid", "The request can not be carried out.", {"config": list(error.problems)})
        case SyncError():
            status = 400 if error.failure_class == "config" else 502
            return Problem(status, CODES_TOLD.get(error.code, error.code), _sentence(f"{error.message}. {error.hint}"))
        case SecretsRefused():
            return Problem(403, "permission_denied", "You may not set credentials.", error.message_dict)
        case QueryRefused():
            return Problem(403, "permission_denied", "You may not write custom queries.", error.message_dict)
        case SlugTaken() | ConnectorExists():
            return Problem(409, "conflict", "Something else has this slug already.", error.message_dict)
        case NothingToRewindTo():
            return Problem(400, "refused", _sentence(error))
        case DjangoValidationError():
            by_field = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
            return Problem(400, _code_of(error), "Some fields are not right.", by_field)
        case RunRefused() | UnreadableKey():
            if isinstance(error, CONFLICTS):
                return Problem(409, "conflict", _sentence(error))
            return Problem(400, "refused", _sentence(error))
    return Problem(409, "conflict", _sentence(error)) if isinstance(error, CONFLICTS) else None


def _code_of(error: DjangoValidationError) -> str:
    """That of the first refusal which has a code of its own."""
    codes = [one.code for found in getattr(error, "error_dict", {}).values() for one in found]
    return next((CODES_TOLD[code] for code in codes if code in CODES_TOLD), "invalid")


def _problem_of_rest(error: Any) -> Problem:
    status = int(error.status_code)
    match error:
        case rest.ValidationError():
            fields = dict(_messages(error.detail))
            codes = set(_codes(error.get_codes()))
            code = codes.pop() if len(codes) == 1 else "invalid"
            known = code if code in ("unknown_field", "unknown_parameter") else "invalid"
            return Problem(status, known, "Some fields are not right.", fields)
        case rest.NotAuthenticated() | rest.AuthenticationFailed():
            return Problem(status, "unauthenticated", NO_TOKEN)
        case rest.Throttled():
            seconds = max(1, round(error.wait or 1))
            return Problem(status, "throttled", f"Too many requests; try again in {seconds} s.")
    facts = getattr(error, "facts", {})
    return Problem(status, str(error.default_code), str(error.detail), facts=facts)


def _headers_of(error: Any) -> dict[str, str]:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(error.wait)))
    return headers


def _messages(detail: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """(field, messages), a field within another one as `streams.0.name`."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _messages(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list) and any(isinstance(inner, dict | list) for inner in detail):
        for number, inner in enumerate(detail):
            yield from _messages(inner, f"{path}.{number}")
    elif isinstance(detail, list) and detail:
        yield path or "__all__", [str(message) for message in detail]
    elif isinstance(detail, str):
        yield path or "__all__", [str(detail)]


def _codes(codes: Any) -> Iterator[str]:
    if isinstance(codes, dict):
        codes = list(codes.values())
    if isinstance(codes, list):
        for code in codes:
            yield from _codes(code)
    else:
        yield str(codes)


def _sentence(error: object) -> str:
    text = str(error).strip().rstrip(".") or "There is no such thing"
    return f"{text[:1].upper()}{text[1:]}."
