"""Users and groups, by the stock admin under our skin. Roles come later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import User

if TYPE_CHECKING:
    StockUserAdmin = UserAdmin[User]
else:
    StockUserAdmin = UserAdmin  # cannot be subscripted when running


class PortalUserAdmin(StockUserAdmin):
    """The stock pages of users."""


class PortalGroupAdmin(GroupAdmin):
    """The stock pages of groups."""
