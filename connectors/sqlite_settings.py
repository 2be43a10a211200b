"""The settings of a connector of kind sqlite, as JSON Schemas."""

from __future__ import annotations

from typing import Any

from connectors.sql_queries import QUERY_SECONDS_SCHEMA

CONFIG_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["path"],
    "additionalProperties": False,
    "properties": {
        "path": {
            "type": "string",
            "minLength": 1,
            "title": "Path",
            "description": "The file, relative to the data directory, or below one of SYNCDECK_FILE_ROOTS.",
        },
        "must_exist": {
            "type": "boolean",
            "default": False,
            "title": "Must exist",
            "description": "Refuse to create the file, e.g. because a missing one means a wrong path.",
        },
        "query_seconds": QUERY_SECONDS_SCHEMA,
    },
}
CREDENTIALS_SCHEMA: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
