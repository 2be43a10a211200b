"""Connectors: make, save, test and look into them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from connectors.checks import CheckStep
from connectors.connection_tests import run_connection_test, watch_connection_test
from connectors.models import ConnectionTest, Connector
from connectors.sampling import list_streams, sample_stream
from syncjobs.operations.connector_entries import record_connector_saved
from syncjobs.operations.secret_rights import check_secrets_right

__all__ = [
    "ConnectorExists",
    "connector_from_shape",
    "list_streams",
    "sample_stream",
    "save_connector",
    "test_connector",
    "watch_test",
]


class ConnectorExists(ValidationError):
    """Another connector has this slug."""

    def __init__(self, slug: str) -> None:
        super().__init__({"slug": f"There is a connector '{slug}' already. Choose another slug."})


def connector_from_shape(shape: dict[str, Any]) -> Connector:
    """A connector, not yet saved, from its public shape (DESIGN's appendix). ValidationError names unknown fields."""
    known = {field.name for field in Connector._meta.get_fields()}
    if unknown := sorted(set(shape) - known):
        raise ValidationError(f"Unknown fields of a connector: {', '.join(unknown)}.")
    return Connector(**shape)


def save_connector(connector: Connector, *, user: User | None = None) -> Connector:
    """Validate and save as the next version.

    Raises ValidationError, ConnectorExists among them, and EditConflict if it was edited meanwhile.
    `user` is the person whose rights count; None is the system's operator, who may set credentials.
    """
    if connector._state.adding and Connector.objects.filter(slug=connector.slug).exists():
        raise ConnectorExists(connector.slug)
    connector.full_clean()
    check_secrets_right(connector, user)
    with _telling_taken_slugs(connector), transaction.atomic():
        before = Connector.objects.filter(pk=connector.pk).first()
        if connector._state.adding:
            connector.save()
        else:
            connector.save_if_unchanged()
        record_connector_saved(connector, before)
    return connector


@contextmanager
def _telling_taken_slugs(connector: Connector) -> Iterator[None]:
    """For the case that somebody makes a connector of the same slug at the same moment."""
    is_new = connector._state.adding
    try:
        yield
    except IntegrityError as error:
        if is_new:
            raise ConnectorExists(connector.slug) from error
        raise


def test_connector(connector: Connector) -> ConnectionTest:
    """Test a saved connector in named steps and keep the result; what it finds wrong is in the result, never raised."""
    return run_connection_test(connector)


def watch_test(connector: Connector) -> Iterator[CheckStep | ConnectionTest]:
    """The same while it goes on: each step when it is done, and at the end the result that is kept."""
    return watch_connection_test(connector)
