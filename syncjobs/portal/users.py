"""Users and groups, by the stock admin under our skin. Roles come later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import User
from django.db.models import ManyToManyField
from django.forms import CheckboxSelectMultiple, ModelMultipleChoiceField
from django.http import HttpRequest

if TYPE_CHECKING:
    StockUserAdmin = UserAdmin[User]
    Choices = ModelMultipleChoiceField[Any] | None
else:
    StockUserAdmin = UserAdmin  # cannot be subscripted when running


class PortalUserAdmin(StockUserAdmin):
    """The stock pages of users; choices as boxes to tick, since the stock's two lists are not accessible."""

    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Choices:
        return super().formfield_for_manytomany(db_field, request, **kwargs, widget=CheckboxSelectMultiple)


class PortalGroupAdmin(GroupAdmin):
    """The stock pages of groups, with boxes to tick likewise."""

    filter_horizontal = ()

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> Choices:
        return super().formfield_for_manytomany(db_field, request, **kwargs, widget=CheckboxSelectMultiple)
