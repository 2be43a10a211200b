"""Sets, replaces and clears credentials of a connector that is to be saved. They go in here and never come out."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.errors import ConfigError
from connectors.models import Connector


def give_credentials(connector: Connector, given: Mapping[str, str | None]) -> None:
    """Set these, and clear those given as None; the others stay. Nothing is saved yet.

    Stored ones that cannot be decrypted any more are given up as soon as any is given.
    """
    if given:
        merged = {**stored_credentials(connector), **given}
        connector.credentials = {name: value for name, value in merged.items() if value is not None}


def stored_credentials(connector: Connector | None) -> dict[str, str]:
    """What is stored, for keeping it; nothing where it cannot be decrypted and so must be entered again."""
    try:
        return connector.credentials.reveal() if connector else {}
    except ConfigError:
        return {}
