"""What a REST connector can be told, as JSON Schema."""

from __future__ import annotations

from typing import Any, get_args

from connectors.json_paths import PATH_PATTERN
from connectors.records import FieldType

PAGE = 500
LARGEST_PAGE = 50_000
AUTH_KINDS = ("none", "basic", "bearer", "header", "oauth2")
PAGING_KINDS = ("none", "page", "offset", "cursor", "link", "next_url")
NAME: dict[str, Any] = {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"}
PARAMETER: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 100}
HEADER_NAME = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"


def _path(title: str, description: str) -> dict[str, Any]:
    return {
        "type": "string",
        "title": title,
        "description": description,
        "pattern": PATH_PATTERN,
        "maxLength": 200,
    }


def _text(title: str, description: str, **rules: Any) -> dict[str, Any]:
    return {"type": "string", "title": title, "description": description, **rules}


ADDRESS: dict[str, Any] = {"format": "uri", "maxLength": 2000}
AUTH: dict[str, Any] = {
    "type": "object",
    "title": "Login",
    "description": 'An object such as {"kind": "bearer"}, or {"kind": "basic", "user": "sync"}; empty for none.'
    " Also header and oauth2: see docs/rest.md.",
    "properties": {
        "kind": {
            "enum": list(AUTH_KINDS),
            "default": "none",
            "title": "Way",
            "description": "basic: user and password; bearer: a token; header: the token in a header of its own;"
            " oauth2: client credentials, by which Syncdeck fetches tokens itself.",
        },
        "user": _text("User", "For basic.", maxLength=200),
        "header": _text("Header", "For header, such as X-API-Key.", pattern=HEADER_NAME),
        "token_url": _text("Token address", "For oauth2: where tokens are given out.", **ADDRESS),
        "client_id": _text("Client", "For oauth2.", maxLength=500),
        "scope": _text("Scope", "For oauth2; several with blanks between them.", maxLength=1000),
        "client_in_body": {
            "type": "boolean",
            "default": False,
            "title": "Client in the body",
            "description": "For oauth2, where the server does not take client and secret as a Basic login.",
        },
    },
    "additionalProperties": False,
}
PAGING: dict[str, Any] = {
    "type": "object",
    "title": "Pages",
    "properties": {
        "kind": {
            "enum": list(PAGING_KINDS),
            "default": "none",
            "title": "Way",
            "description": "none: one answer has all; page: by number; offset: by how many records to skip; cursor: a"
            " value in each answer leads to the next; link: the header Link; next_url: an address in the answer.",
        },
        "parameter": _text("Parameter", "That takes the page's number, the offset or the cursor.", maxLength=100),
        "size_parameter": _text("Parameter of the size", "Such as limit or per_page.", maxLength=100),
        "size": {
            "type": "integer",
            "minimum": 1,
            "maximum": LARGEST_PAGE,
            "default": PAGE,
            "title": "Size",
            "description": "Records asked for at a time, where there is a parameter for it.",
        },
        "first": {"type": "integer", "minimum": 0, "default": 1, "title": "First page", "description": "Its number."},
        "next": _path("Path to what is next", "In the answer: the cursor or address, such as meta.next or data.-1.id."),
        "more": _path("Path to whether there is more", "Such as has_more; false there ends the reading."),
        "total": _path("Path to the number of records", "Such as meta.total. If fewer come, the reading fails."),
        "ends_with_404": {
            "type": "boolean",
            "default": False,
            "title": "Ends with 404",
            "description": "The server answers 404 behind the last page, instead of an empty one.",
        },
    },
    "additionalProperties": False,
}
FIELDS: dict[str, Any] = {
    "type": "array",
    "title": "Fields",
    "description": "Without any, names and types are judged by the first page.",
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 200, "title": "Name"},
            "type": {"enum": list(get_args(FieldType)), "title": "Type", "description": "Otherwise judged."},
            "path": _path("Path", "Inside the record, such as address.city; otherwise it is the name."),
        },
        "required": ["name"],
        "additionalProperties": False,
    },
}
FILTERS: dict[str, Any] = {
    "type": "array",
    "title": "Filters that the server knows",
    "description": "A filter (or the start of a cursor, which is ge) that is also sent, so that less is read.",
    "items": {
        "type": "object",
        "properties": {
            "field": {"type": "string", "minLength": 1, "title": "Field"},
            "operator": {"enum": ["eq", "ge", "gt", "le", "lt"], "default": "ge", "title": "Operator"},
            "parameter": PARAMETER | {"title": "Parameter", "description": "Such as since or updated_after."},
        },
        "required": ["field", "parameter"],
        "additionalProperties": False,
    },
}
STREAMS: dict[str, Any] = {
    "type": "array",
    "title": "Streams",
    "description": 'A list with an object for each, such as [{"name": "customers", "path": "/customers", "key": ["id"],'
    ' "records": "data.items"}]. docs/rest.md tells of pages, fields and filters.',
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {
            "name": NAME | {"title": "Name"},
            "path": _text("Path", "Behind the address, such as /v1/customers.", pattern=r"^[^\s\\?#]*$", maxLength=500),
            "records": _path(
                "Path to the records", "In the answer, such as data.items; empty if it is the list itself."
            ),
            "key": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "title": "Key",
                "description": "Fields that tell records apart.",
            },
            "parameters": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "title": "Parameters",
                "description": "Sent with every request. No secrets: these belong into the login.",
            },
            "paging": PAGING,
            "fields": FIELDS,
            "cursors": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "title": "Cursors",
                "description": "Fields that grow with every change, to be suggested.",
            },
            "filters": FILTERS,
        },
        "required": ["name", "path"],
        "additionalProperties": False,
    },
}
SPEC: dict[str, Any] = {
    "config": {
        "type": "object",
        "properties": {
            "base_url": _text("Address", "Of the service, such as https://api.example.com/v1", **ADDRESS),
            "auth": AUTH,
            "streams": STREAMS,
        },
        "required": ["base_url", "streams"],
        "additionalProperties": False,
    },
    "credentials": {
        "type": "object",
        "properties": {
            "secret": {
                "type": "string",
                "title": "Secret",
                "description": "The password, the token or the client's secret, as the way of login wants.",
                "minLength": 1,
                "writeOnly": True,
            }
        },
        "additionalProperties": False,
    },
}
