"""Deletes a connector that nothing refers to."""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import ProtectedError

from connectors.models import Connector

logger = logging.getLogger(__name__)


class ConnectorInUse(Exception):
    """Something refers to the connector; the text names it and says what to do."""


def delete_connector(connector: Connector, *, actor: str) -> None:
    """Delete it with its credentials and tests. Raises ConnectorInUse."""
    slug = connector.slug
    try:
        with transaction.atomic():
            connector.delete()
    except ProtectedError as error:
        users = sorted({str(getattr(one, "slug", one)) for one in error.protected_objects})
        raise ConnectorInUse(f"{slug} is used by {', '.join(users)}: change or delete what uses it first") from error
    logger.info("Connector '%s' was deleted by %s", slug, actor)
