"""The API's own description: the OpenAPI document, and the page that shows it without any outside host."""

from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import TemplateHTMLRenderer

from syncjobs.api.etags import IF_MATCH
from syncjobs.api.idempotency import KEYS, LONGEST_KEY

PROBLEM = {
    "type": "object",
    "description": "Why a request was not carried out.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "fields", "request_id"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "fields": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
                "request_id": {"type": "string", "nullable": True},
                "allowed_actions": {"type": "array", "items": {"type": "string"}},
                "job": {"type": "integer"},
                "status": {"type": "string"},
            },
        }
    },
}
ALWAYS = {
    "400": "The request is not right; `fields` says what.",
    "401": "There is no valid token.",
    "403": "The token lacks the scope, or the person the permission.",
    "404": "There is no such thing, or you may not see it.",
    "406": "Only application/json is answered.",
    "429": "Too many requests; Retry-After says when to come back.",
    "500": "A bug.",
    "503": "The database can not be reached.",
}
WITH_BODY = {
    "409": "What is there forbids it; `allowed_actions` says what may be done to a job instead.",
    "413": "The body is too large.",
    "415": "Only application/json is taken.",
    "422": "The Idempotency-Key was used for another request.",
    "502": "Another system did not do its part.",
}
TOO_LONG = {
    "description": "The address is too long for the web server, which answers before the API.",
    "content": {"text/html": {"schema": {"type": "string"}}},
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": KEYS},
    "description": "The same request with the same key again gets the same answer and does nothing.",
}
OF_EDITS = {
    "412": "Somebody has changed it since you read it; If-Match is of an older version.",
    "428": "An edit needs If-Match.",
}
UNKEYED = (
    *("/tokens/", "/connectors/", "/test/", "/preview/", "/review/", "/use/"),
    *("/webhooks/", "/chains/", "/rotate/", "/switch/"),
)
"""These start no work, so that there is nothing which a key could keep from being done twice."""
ASKING = ("/streams/", "/sample/")
"""Reading these asks another system."""


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every operation may answer with the one shape of problems; a hook of drf-spectacular."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            operation.setdefault("summary", operation["description"].partition(".")[0])
            told = ALWAYS if method == "get" else ALWAYS | WITH_BODY
            if method == "get" and path.endswith(ASKING):
                told = told | {"502": WITH_BODY["502"]}
            if any(one["name"] == IF_MATCH.name for one in operation.get("parameters", ())):
                told = told | OF_EDITS
            operation["responses"]["414"] = TOO_LONG
            for status, description in told.items():
                operation["responses"].setdefault(status, {"description": description, "content": content})
            if method == "post" and not path.endswith(UNKEYED):
                operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    return result


def close_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Bodies have the fields that are told and no others, as StrictSerializer wants; a hook of drf-spectacular."""
    schemas = result["components"]["schemas"]
    for operations in result["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            if "$ref" in body:
                schemas[body["$ref"].rpartition("/")[2]].setdefault("additionalProperties", False)
    return result


class SchemaView(SpectacularAPIView):
    """The OpenAPI document, for everybody who is signed in or has a token."""

    permission_classes = [IsAuthenticated]


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files; its script is a request of its own, as the strict CSP wants."""

    permission_classes = [IsAuthenticated]
    renderer_classes = [TemplateHTMLRenderer]
    url_name = "api_schema"
