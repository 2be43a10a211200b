"""The settings and credentials of a connector of kind postgres, as JSON Schemas."""

from __future__ import annotations

from typing import Any

from connectors.sql_queries import QUERY_SECONDS_SCHEMA

DEFAULT_PORT = 5432
SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
CONFIG_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["host", "dbname", "user"],
    "additionalProperties": False,
    "properties": {
        "host": {
            "type": "string",
            "minLength": 1,
            "title": "Host",
            "description": "Name or address of the server, or the folder of its socket on this machine.",
        },
        "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": DEFAULT_PORT, "title": "Port"},
        "dbname": {"type": "string", "minLength": 1, "title": "Database"},
        "user": {"type": "string", "minLength": 1, "title": "User"},
        "sslmode": {
            "type": "string",
            "enum": SSL_MODES,
            "default": "prefer",
            "title": "TLS",
            "description": "'require' encrypts; 'verify-full' also checks the server's certificate and name.",
        },
        "schema": {
            "type": "string",
            "minLength": 1,
            "default": "public",
            "title": "Schema",
            "description": "Where streams lie that are named without a schema.",
        },
        "query_seconds": QUERY_SECONDS_SCHEMA,
    },
}
CREDENTIALS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "password": {"type": "string", "title": "Password", "writeOnly": True, "format": "password"},
    },
}


def login_parameters(config: dict[str, Any], address: str | None) -> dict[str, Any]:
    """libpq's parameters; with an address that is connected to, the host's name is used for certificates only."""
    parameters = {
        "host": str(config["host"]),
        "port": int(config.get("port") or DEFAULT_PORT),
        "dbname": str(config["dbname"]),
        "user": str(config["user"]),
        "sslmode": str(config.get("sslmode") or "prefer"),
    }
    return parameters if address is None else parameters | {"hostaddr": address}
