"""The first user: `admin` with a generated password. Touches users only where there are none."""

import os
import secrets
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import transaction

from syncjobs.operations.accounts import record_account_saved

ADMIN_NAME = "admin"


def create_first_admin() -> str | None:
    """Create the administrator on a database without any user and return the password; None where there are users."""
    users = get_user_model().objects
    if users.exists():
        return None
    password = secrets.token_urlsafe(12)
    with transaction.atomic():
        record_account_saved(users.create_superuser(username=ADMIN_NAME, password=password), None)
    return password


def keep_password(path: Path, password: str) -> None:
    """Write the demo's password to a file only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{password}\n")


def kept_password(path: Path) -> str | None:
    """Return the demo's password if it was kept and still opens the door."""
    if not path.is_file():
        return None
    password = path.read_text(encoding="utf-8").strip()
    admin = get_user_model().objects.filter(username=ADMIN_NAME, is_active=True).first()
    return password if admin is not None and admin.check_password(password) else None
