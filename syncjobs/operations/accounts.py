"""Users and groups in the audit: who made, changed or deleted them, who came in, who was turned away, who left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import QuerySet

from syncjobs.operations.auditing import record

Account = User | Group
FIELDS = ("username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser")


def account_values(account: Account) -> dict[str, Any]:
    """What the audit tells of it; never its password."""
    if isinstance(account, Group):
        return {"name": account.name, "permissions": _codes(account.permissions)}
    values: dict[str, Any] = {name: getattr(account, name) for name in FIELDS}
    groups = sorted(account.groups.values_list("name", flat=True))
    return values | {"groups": groups, "permissions": _codes(account.user_permissions)}


def record_account_saved(account: Account, before: dict[str, Any] | None, *, actor: str = "") -> None:
    """It was made, or changed from these values; call it once its groups and permissions are saved, too."""
    verb = f"{_kind(account)}.{'create' if before is None else 'update'}"
    record(verb, account, before=before, after=account_values(account), actor=actor)


def record_account_deleted(account: Account) -> None:
    """It is about to be deleted."""
    record(f"{_kind(account)}.delete", account, before=account_values(account))


@contextmanager
def noting_new_password(user_id: int | str | None) -> Iterator[None]:
    """Tell of a new password if the block sets one; both in one transaction."""
    user = None if user_id is None else User.objects.filter(pk=user_id).first()
    with transaction.atomic():
        yield
        if user and User.objects.filter(pk=user.pk).exclude(password=user.password).exists():
            record("user.password", user)


def note_login(user: User, **_signal: Any) -> None:
    record("login", user, actor=user.get_username())


def note_logout(user: User | None, **_signal: Any) -> None:
    if user is not None:  # else nobody was signed in
        record("logout", user, actor=user.get_username())


def note_failed_login(credentials: dict[str, Any], **_signal: Any) -> None:
    """The name only if it is somebody's: others may be passwords that were typed into the wrong field."""
    user = User.objects.filter(username=str(credentials.get("username", ""))[:150]).first()
    record("login.fail", user, actor=user.get_username() if user else "unknown")


def _kind(account: Account) -> str:
    return "group" if isinstance(account, Group) else "user"


def _codes(permissions: Any) -> list[str]:
    rows: QuerySet[Any, Any] = permissions.values_list("content_type__app_label", "codename")
    return sorted(".".join(row) for row in rows)
