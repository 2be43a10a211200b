"""Deletes a connector that nothing refers to."""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import F, ProtectedError

from connectors.models import Connector, EditConflict

logger = logging.getLogger(__name__)


class ConnectorInUse(Exception):
    """Something refers to the connector; the text names it and says what to do."""


def delete_connector(connector: Connector, *, actor: str) -> None:
    """Delete it with its credentials and tests. Raises ConnectorInUse, and EditConflict if it was edited meanwhile."""
    slug = connector.slug
    try:
        with transaction.atomic():
            same = Connector.objects.filter(pk=connector.pk, version=connector.version)
            if not same.update(version=F("version") + 1):
                raise EditConflict(f"{slug} was changed by someone else; load it again")
            connector.delete()
    except ProtectedError as error:
        users = sorted({str(getattr(one, "slug", one)) for one in error.protected_objects})
        raise ConnectorInUse(f"{slug} is used by {', '.join(users)}: change or delete what uses it first") from error
    logger.info("Connector '%s' was deleted by %s", slug, actor)
