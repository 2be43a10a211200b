"""Connectors: make, save and test them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from connectors.connection_tests import run_connection_test
from connectors.models import ConnectionTest, Connector


def connector_from_shape(shape: dict[str, Any]) -> Connector:
    """A connector, not yet saved, from its public shape (DESIGN's appendix). ValidationError names unknown fields."""
    known = {field.name for field in Connector._meta.get_fields()}
    if unknown := sorted(set(shape) - known):
        raise ValidationError(f"Unknown fields of a connector: {', '.join(unknown)}.")
    return Connector(**shape)


def save_connector(connector: Connector) -> Connector:
    """Validate and save as the next version. Raises ValidationError, and EditConflict if it was edited meanwhile."""
    connector.full_clean()
    if connector._state.adding:
        connector.save()
    else:
        connector.save_if_unchanged()
    return connector


def test_connector(connector: Connector) -> ConnectionTest:
    """Test a saved connector in named steps and keep the result; what it finds wrong is in the result, never raised."""
    return run_connection_test(connector)
