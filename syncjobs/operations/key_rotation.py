"""Encrypts stored credentials anew with the first of SYNCDECK_SECRET_KEYS, so that older ones can be taken off it.

Each row is one guarded UPDATE of its own: whatever stops it, running it again goes on with what is left, and a row that
somebody saves meanwhile keeps what they saved.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models, transaction

from connectors.errors import ConfigError
from connectors.secrets import EncryptedField, decrypt, encrypt, first_key_id, key_id_of, scope_of
from syncjobs.operations.auditing import record

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Rotation:
    """How many rows had the first key, got it now, or still wait for it; and what cannot be read, by name."""

    current: int = 0
    rotated: int = 0
    outdated: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return not self.outdated and not self.unreadable


def rotate_keys(*, only_check: bool = False) -> Rotation:
    """Bring every row to the first key; `only_check` counts, and changes nothing. Raises ConfigError without a key."""
    found, newest = Rotation(), first_key_id()
    for row, name, token in _sealed_rows():
        try:
            plain = decrypt(token, scope_of(row))
        except ConfigError as error:
            found.unreadable[f"{row._meta.verbose_name} {row}"] = f"{error.message}. {error.hint}"
            continue
        if key_id_of(token) == newest:
            found.current += 1
        elif not only_check and _replace(row, name, token, encrypt(plain, scope_of(row)), newest):
            found.rotated += 1
        else:  # only looked at, or saved by somebody meanwhile
            found.outdated += 1
    if found.rotated:
        logger.info("Encrypted %s sets of credentials anew with the key %s", found.rotated, newest)
    return found


def _sealed_rows() -> Iterator[tuple[models.Model, str, str]]:
    """Every row that holds something encrypted, with the field and the stored text."""
    for model in apps.get_models():
        for own in model._meta.concrete_fields:
            if isinstance(own, EncryptedField):
                for row in model._default_manager.order_by("pk"):
                    if token := getattr(row, own.attname).sealed_token:
                        yield row, own.attname, token


def _replace(row: models.Model, name: str, old: str, new: str, key_id: str) -> bool:
    same: models.QuerySet[Any] = type(row)._default_manager.filter(pk=row.pk, **{name: old})
    with transaction.atomic():
        is_replaced = bool(same.update(**{name: new}))
        if is_replaced:
            record("keys.rotate", row, before={"key": key_id_of(old)}, after={"key": key_id})
    return is_replaced
