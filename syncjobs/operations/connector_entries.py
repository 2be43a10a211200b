"""What the audit tells of a connector: its settings, and of its credentials only which there are and which are new."""

from __future__ import annotations

from typing import Any

from connectors.errors import ConfigError
from connectors.models import Connector
from syncjobs.operations.auditing import record
from syncjobs.operations.config_shapes import CONNECTOR_FIELDS, connector_shape


def connector_values(connector: Connector) -> dict[str, Any]:
    """Its settings; where the credentials cannot be read any more, without them."""
    try:
        return connector_shape(connector)
    except ConfigError:
        return {name: getattr(connector, name) for name in CONNECTOR_FIELDS}


def record_connector_saved(connector: Connector, before: Connector | None, *, actor: str = "") -> None:
    """A connector that was made, or changed from what it was before."""
    after = connector_values(connector)
    if before is None:
        record("connector.create", connector, after=after, actor=actor)
        return
    if replaced := _replaced(before, connector):
        after["credentials_replaced"] = replaced
    record("connector.update", connector, before=connector_values(before), after=after, actor=actor)


def _replaced(before: Connector, after: Connector) -> list[str]:
    """The names of the credentials that have another value now."""
    try:
        old, new = before.credentials.reveal(), after.credentials.reveal()
    except ConfigError:
        return ["all"]
    return sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
