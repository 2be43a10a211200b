"""Resolves credentials given as `env:NAME` or `file:PATH`, at the moment of connecting. Stores nothing it reads."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping

from connectors.errors import ConfigError
from connectors.paths import checked_path
from connectors.redaction import remember_secret

ENVIRONMENT_PREFIX = "env:"
FILE_PREFIX = "file:"
LARGEST_FILE = 64 * 1024  # bytes
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Whoever edits a connector chooses where its credentials are sent, so the portal's own secrets are out of reach.
OWN_VARIABLES = frozenset(
    ("SECRET_KEY", "SYNCDECK_SECRET_KEYS", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "EMAIL_URL")
)


def is_reference(value: str) -> bool:
    """Whether the value says where a secret is, instead of being one."""
    return value.startswith((ENVIRONMENT_PREFIX, FILE_PREFIX))


def resolve_references(credentials: Mapping[str, str], optional: Collection[str] = ()) -> dict[str, str]:
    """The credentials with every reference replaced by its value, each remembered for redaction.

    Names in `optional` whose variable is unset or empty are left out. Raises ConfigError `missing_reference`,
    which names the reference and never a value.
    """
    resolved = {}
    for name, value in credentials.items():
        if name in optional and _is_unset_variable(value):
            continue
        resolved[name] = _resolve(name, value)
        remember_secret(resolved[name])
    return resolved


def _is_unset_variable(value: str) -> bool:
    return value.startswith(ENVIRONMENT_PREFIX) and not os.environ.get(value.removeprefix(ENVIRONMENT_PREFIX), "")


def _resolve(name: str, value: str) -> str:
    if value.startswith(ENVIRONMENT_PREFIX):
        return _read_variable(name, value.removeprefix(ENVIRONMENT_PREFIX))
    if value.startswith(FILE_PREFIX):
        return _read_file(name, value)
    return value


def _read_variable(name: str, variable: str) -> str:
    if not VARIABLE_NAME.fullmatch(variable) or variable in OWN_VARIABLES:
        raise ConfigError(
            "reference_refused",
            f"the credential '{name}' refers to env:{variable}, which may not be used for a connector",
            hint="Give the secret an environment variable of its own.",
        )
    value = os.environ.get(variable, "")
    if not value:
        raise _missing(name, f"env:{variable}", "is not set")
    return value


def _read_file(name: str, reference: str) -> str:
    path = checked_path(reference.removeprefix(FILE_PREFIX))
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise _missing(name, reference, f"is larger than {LARGEST_FILE:,} bytes")
        value = data.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise _missing(name, reference, f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise _missing(name, reference, "is not a text file") from None
    if not value:
        raise _missing(name, reference, "is empty")
    return value


def _missing(name: str, reference: str, reason: str) -> ConfigError:
    return ConfigError(
        "missing_reference",
        f"the credential '{name}' refers to {reference}, which {reason}",
        hint="Set it where the workers run, and restart them if it is an environment variable.",
    )
