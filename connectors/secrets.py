"""Keeps credentials encrypted in the database, each set bound to its row. Never prints or serialises one in the clear.

AES-256-GCM with keys derived from SYNCDECK_SECRET_KEYS: the first encrypts, all decrypt, the stored text names its key.
The row's `secret_scope` is authenticated along with it, so a ciphertext copied to another row is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query_utils import DeferredAttribute

from connectors.errors import ConfigError
from connectors.redaction import redact as redact
from connectors.redaction import remember_secret as remember_secret
from connectors.references import is_reference
from connectors.references import resolve_references as resolve_references

FORMAT = "v1"
NONCE_BYTES = 12
KEYS_HINT = "Put the key back into SYNCDECK_SECRET_KEYS (any place in the list), or enter the credentials again."


@lru_cache(maxsize=16)
def _derive(secret_key: str) -> tuple[str, AESGCM]:
    """The key's id and cipher. Derived, so that the same text used elsewhere as a Fernet key gives nothing away."""
    material = base64.urlsafe_b64decode(secret_key)
    if len(material) != 32:
        raise ValueError("a key is 32 bytes in URL-safe base64")
    key = HKDF(hashes.SHA256(), 32, salt=None, info=b"syncdeck credentials v1").derive(material)
    return hashlib.sha256(key).hexdigest()[:12], AESGCM(key)


def _ciphers() -> dict[str, AESGCM]:
    """Every usable cipher by its key's id, the encrypting one first; ConfigError without any."""
    try:
        ciphers = dict(_derive(key) for key in settings.SYNCDECK_SECRET_KEYS)
    except (binascii.Error, ValueError):
        ciphers = {}
    if not ciphers:
        raise ConfigError(
            "secret_key_missing",
            "credentials cannot be read or stored: SYNCDECK_SECRET_KEYS lists no usable key",
            hint="Set SYNCDECK_SECRET_KEYS to the keys that were in use before.",
        )
    return ciphers


def encrypt(plain: str, scope: str) -> str:
    """The plain text as `v1.<key id>.<base64>`, readable only together with the same scope."""
    key_id, cipher = next(iter(_ciphers().items()))
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + cipher.encrypt(nonce, plain.encode(), scope.encode())
    return f"{FORMAT}.{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"


def first_key_id() -> str:
    """The id of the key that encrypts. Raises ConfigError `secret_key_missing`."""
    return next(iter(_ciphers()))


def key_id_of(token: str) -> str:
    """The id of the key with which the token was made."""
    return [*token.split(".", 2), "", ""][1]


def decrypt(token: str, scope: str) -> str:
    """The plain text of a token made by `encrypt`; ConfigError `credentials_unreadable` for any other."""
    cipher = _ciphers().get(key_id_of(token))
    if cipher is None:
        raise ConfigError(
            "credentials_unreadable",
            "the stored credentials were encrypted with a key that SYNCDECK_SECRET_KEYS no longer lists",
            hint=KEYS_HINT,
        )
    try:
        sealed = base64.urlsafe_b64decode(token.rpartition(".")[2])
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], scope.encode()).decode()
    except (InvalidTag, ValueError):
        raise ConfigError(
            "credentials_unreadable",
            "the stored credentials were altered or belong to another connector, and are refused",
            hint="Enter the credentials of this connector again.",
        ) from None


class Secrets:
    """A connector's credentials: opaque, unchangeable, and in the clear only through `reveal`."""

    __slots__ = ("_plain", "_scope", "_token")

    def __init__(self, plain: Mapping[str, str] | None = None, *, token: str = "", scope: str = "") -> None:
        self._plain = dict(plain) if plain else {}
        self._token = token
        self._scope = scope
        for value in self._plain.values():
            _remember(value)

    def reveal(self) -> dict[str, str]:
        """The credentials by name, references unresolved. Raises ConfigError where they cannot be decrypted."""
        if not self._token:
            return dict(self._plain)
        plain: dict[str, str] = json.loads(decrypt(self._token, self._scope))
        for value in plain.values():
            _remember(value)
        return plain

    @property
    def names(self) -> tuple[str, ...]:
        """Which credentials are set, for showing."""
        return tuple(self.reveal())

    @property
    def sealed_token(self) -> str | None:
        """What the database kept, empty for no credentials; None for some that were not saved yet."""
        return None if self._plain else self._token

    def sealed_for(self, scope: str) -> str:
        """What the database keeps; an unchanged token stays as it is."""
        if self._token or not self._plain:
            return self._token
        return encrypt(json.dumps(self._plain), scope)

    def bound_to(self, scope: str) -> Secrets:
        """The same secrets, knowing the row they were read from."""
        return Secrets(token=self._token, scope=scope) if self._token else self

    def __bool__(self) -> bool:
        return bool(self._token or self._plain)

    def __deepcopy__(self, memo: dict[int, Any]) -> Secrets:
        return self

    def __reduce__(self) -> Any:
        raise TypeError("credentials are not to be pickled")

    def __repr__(self) -> str:
        return "<credentials: set>" if self else "<credentials: not set>"


def _remember(value: Any) -> None:
    if isinstance(value, str) and not is_reference(value):
        remember_secret(value)


class SecretsAttribute(DeferredAttribute):
    """Makes the model's attribute a Secrets, whatever mapping is assigned, bound to the row's scope."""

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is None or not isinstance(value, Secrets):
            return value
        return value.bound_to(scope_of(instance))

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = as_secrets(value)


def as_secrets(value: Any) -> Secrets:
    """Secrets from a mapping, a stored token or None."""
    if isinstance(value, Secrets):
        return value
    if isinstance(value, str):
        return Secrets(token=value)
    if value is None or isinstance(value, Mapping):
        return Secrets(value)
    raise TypeError("credentials are an object of names and texts")


def scope_of(instance: models.Model) -> str:
    """What a row's credentials are bound to: its table and its `secret_scope`, which is set before the first save."""
    return f"{instance._meta.label_lower}:{getattr(instance, 'secret_scope')}"  # noqa: B009 - no such field on Model


if TYPE_CHECKING:
    StoredText = models.TextField[Secrets | Mapping[str, str], Secrets]
else:
    StoredText = models.TextField  # Django's fields cannot be subscripted when running


class EncryptedField(StoredText):
    """Holds a mapping of names to texts; its model needs a `secret_scope`. Serialisers and dumps see the ciphertext."""

    descriptor_class = SecretsAttribute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", dict)
        kwargs.setdefault("blank", True)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> Secrets:
        return Secrets(token=value or "")

    def to_python(self, value: Any) -> Secrets:
        return as_secrets(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        secrets: Secrets = getattr(model_instance, self.attname)
        return secrets.sealed_for(scope_of(model_instance))

    def get_prep_value(self, value: Any) -> str:
        """Takes only what is sealed already: by `pre_save`, or when a dump is loaded."""
        token = value.sealed_token if isinstance(value, Secrets) else value
        if not isinstance(token, str) or (token and not token.startswith(f"{FORMAT}.")):
            raise TypeError("credentials are saved through their object, since they are bound to its row")
        return token

    def value_to_string(self, obj: models.Model) -> str:
        return self.pre_save(obj, add=False)
