"""Who may set credentials: that needs a permission of its own, and so does pointing stored ones at another place."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from connectors.errors import ConfigError
from connectors.models import Connector

SET_CREDENTIALS = "connectors.set_credentials"
SENTENCE = "can only be changed by somebody with the permission 'Can set credentials of connectors'. Ask them"


class SecretsRefused(ValidationError):
    """The person may not save this, whatever else they may."""


def may_set_credentials(user: User | None) -> bool:
    """Whether a person may; commands run as the system's operator (None), who may."""
    return user is None or user.has_perm(SET_CREDENTIALS)


def check_secrets_right(connector: Connector, user: User | None) -> None:
    """Raise SecretsRefused where a connector that is to be saved has what the person may not set.

    Where credentials are stored, the settings say to whom they are sent, so these stay as they are, too.
    """
    if may_set_credentials(user):
        return
    stored = Connector.objects.filter(pk=connector.pk).first() if connector.pk else None
    if _secrets_of(connector) != (_secrets_of(stored) if stored else {}):
        raise SecretsRefused({"credentials": f"Credentials {SENTENCE}, or leave them as they are."})
    if stored and stored.credentials.names and (connector.kind, connector.config) != (stored.kind, stored.config):
        raise SecretsRefused({"config": f"The settings of a connector with credentials {SENTENCE}."})


def _secrets_of(connector: Connector) -> dict[str, str]:
    try:
        return connector.credentials.reveal()
    except ConfigError as error:
        raise SecretsRefused({"credentials": f"The stored credentials cannot be read, and they {SENTENCE}."}) from error
