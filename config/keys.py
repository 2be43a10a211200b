"""Keys that are made once and kept in the data directory, readable by their owner alone."""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def load_or_create_key(data_dir: Path, name: str, generate: Callable[[], str]) -> str:
    """Return the key in `data_dir`/`name`, made by `generate` the first time.

    Two processes that start at once agree: the first to link its finished file into place wins, the other reads it.
    Raises ImproperlyConfigured where the directory cannot be used.
    """
    path = data_dir / name
    try:
        if not path.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            link_new_key(path, generate())
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"SYNCDECK_DATA_DIR names {data_dir}, which cannot be used ({error.strerror}: {error.filename}); "
            "name a directory this user may write."
        ) from error


def link_new_key(path: Path, key: str) -> None:
    """Write the key to a file of its own and link it into place, unless another process was faster."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{key}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)


def generate_secret_key() -> str:
    """Return a fresh key for Django's signatures."""
    return secrets.token_urlsafe(64)


def generate_fernet_key() -> str:
    """Return a fresh key for encrypting credentials."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii")
