"""What a Socrata connector can be told, as JSON Schema."""

from __future__ import annotations

from typing import Any

PAGE = 10_000
LARGEST_PAGE = 50_000
SPEC: dict[str, Any] = {
    "config": {
        "type": "object",
        "properties": {
            "base_url": {
                "type": "string",
                "title": "Address",
                "description": "The portal's address, such as https://data.cityofchicago.org",
                "format": "uri",
                "maxLength": 2000,
            },
            "datasets": {
                "type": "object",
                "title": "Datasets",
                "description": "Name of the stream and identifier of the dataset, such as crashes: 85ca-t3if",
                "propertyNames": {"pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"},
                "additionalProperties": {"type": "string", "pattern": "^[a-z0-9]{4}-[a-z0-9]{4}$"},
                "minProperties": 1,
            },
            "api_version": {
                "type": "string",
                "title": "SODA version",
                "description": "How the portal is asked: 2 is understood by all of them; 3 needs an app token",
                "enum": ["2", "3"],
                "default": "2",
            },
            "time_zone": {
                "type": "string",
                "title": "Time zone",
                "description": "The zone of the portal's times without one, such as America/Chicago",
                "default": "UTC",
            },
            "page_size": {
                "type": "integer",
                "title": "Page size",
                "description": "Records asked for at a time",
                "minimum": 1,
                "maximum": LARGEST_PAGE,
                "default": PAGE,
            },
        },
        "required": ["base_url", "datasets"],
        "additionalProperties": False,
    },
    "credentials": {
        "type": "object",
        "properties": {
            "app_token": {
                "type": "string",
                "title": "App token",
                "description": "Optional; raises the portal's limit of requests",
                "minLength": 1,
                "writeOnly": True,
                "x-missing-reference": "ignore",
            }
        },
        "additionalProperties": False,
    },
}
