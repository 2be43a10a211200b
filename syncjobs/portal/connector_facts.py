"""A connector's settings and credentials as its page shows them. Credentials show as set or not set, never more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.base import Connector as RuntimeConnector
from connectors.errors import ConfigError
from connectors.models import Connector
from connectors.references import is_reference
from connectors.registry import connector_class
from syncjobs.portal.words import error_words


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential of a kind, by name; never its value."""

    label: str
    state: str


def kind_of(connector: Connector) -> tuple[type[RuntimeConnector] | None, str]:
    """The class of its kind, or why there is none to be used."""
    try:
        return connector_class(connector.kind), ""
    except ConfigError as error:
        return None, error_words(error)


def settings_of(connector: Connector, kind: type[RuntimeConnector] | None) -> list[tuple[str, Any]]:
    """The settings with their titles, in the order of the kind's schema; unknown ones at the end."""
    properties = kind.spec()["config"].get("properties", {}) if kind else {}
    names = [*properties, *(name for name in connector.config if name not in properties)]
    return [
        (properties.get(name, {}).get("title") or name, connector.config[name])
        for name in names
        if name in connector.config
    ]


def credentials_of(connector: Connector, kind: type[RuntimeConnector] | None) -> list[Credential]:
    """Every credential of the kind, and those that are stored besides."""
    try:
        stored = connector.credentials.reveal()
    except ConfigError as error:
        return [Credential("Credentials", f"stored, but unreadable: {error.hint}")]
    properties = kind.spec()["credentials"].get("properties", {}) if kind else {}
    names = [*properties, *sorted(set(stored) - set(properties))]
    return [Credential(properties.get(name, {}).get("title") or name, secret_state(stored.get(name))) for name in names]


def secret_state(stored: str | None) -> str:
    """What may be said of a stored secret."""
    if not stored:
        return "not set"
    return "set, by a reference" if is_reference(stored) else "set"
