"""What an address needs of whoever asks: rights of the person, and a scope where a token acts for the person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from syncjobs.models import ApiToken


@dataclass(frozen=True, slots=True)
class Needs:
    """A scope of the token ("" = tokens may not do this at all), and any one of these permissions of the person.

    `also` is a permission that is needed besides.
    """

    scope: str
    any_of: tuple[str, ...] = ()
    also: str = ""


class HasScopeAndRight(BasePermission):
    """Goes by `view.needs[method]`; an address without such an entry is closed."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        needs: Needs | None = view.needs.get("GET" if request.method == "HEAD" else request.method)
        if needs is None:
            return request.method == "OPTIONS" or request.method not in view.allowed_methods  # answered by a 405
        _check_scope(request, needs.scope)
        if needs.any_of and not any(request.user.has_perm(permission) for permission in needs.any_of):
            raise PermissionDenied(f"This needs the permission {' or '.join(needs.any_of)}.")
        if needs.also and not request.user.has_perm(needs.also):
            raise PermissionDenied(f"This needs the permission {needs.also}, too.")
        return True


def _check_scope(request: Request, scope: str) -> None:
    token = request.auth
    if not isinstance(token, ApiToken):
        return
    if not scope:
        raise PermissionDenied("No token may do this; sign in at the portal.")
    if scope not in token.scopes:
        raise PermissionDenied(f"This token lacks the scope {scope}.")
