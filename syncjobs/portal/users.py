"""Users and groups, by the stock admin under our skin. Roles come later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.db.models import ManyToManyField, Q, QuerySet
from django.forms import CheckboxSelectMultiple, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse

from syncjobs.operations.accounts import (
    account_values,
    noting_new_password,
    record_account_deleted,
    record_account_saved,
)

if TYPE_CHECKING:
    StockUserAdmin = UserAdmin[User]
    Choices = ModelMultipleChoiceField[Any] | None
else:
    StockUserAdmin = UserAdmin  # cannot be subscripted when running

OURS = ("syncjobs", "connectors", "auth", "admin", "contenttypes", "sessions", "django_celery_beat")
"""Apps of which only the models with pages have permissions that open something; others may use theirs as they like."""


class AuditedAccounts:
    """What the stock pages save and delete is told to the audit, in their transactions."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        form.before = account_values(type(obj).objects.get(pk=obj.pk)) if change else None
        super().save_model(request, obj, form, change)  # type: ignore[misc]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        record_account_saved(form.instance, form.before)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        record_account_deleted(obj)
        super().delete_model(request, obj)  # type: ignore[misc]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any, Any]) -> None:
        with transaction.atomic():
            for account in queryset:
                record_account_deleted(account)
            super().delete_queryset(request, queryset)  # type: ignore[misc]


class PortalUserAdmin(AuditedAccounts, StockUserAdmin):
    """The stock pages of users; choices as boxes to tick, since the stock's two lists are not accessible."""

    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Choices:
        field = super().formfield_for_manytomany(db_field, request, **kwargs, widget=CheckboxSelectMultiple)
        return _with_boxes(field, self.admin_site)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Users", **(extra_context or {})})

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        with noting_new_password(id if id.isdecimal() and len(id) < 19 else None):
            return super().user_change_password(request, id, form_url)


class PortalGroupAdmin(AuditedAccounts, GroupAdmin):
    """The stock pages of groups, with boxes to tick likewise."""

    filter_horizontal = ()

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> Choices:
        field = super().formfield_for_manytomany(db_field, request, **kwargs, widget=CheckboxSelectMultiple)
        return _with_boxes(field, self.admin_site)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Groups", **(extra_context or {})})


def _with_boxes(field: Choices, site: AdminSite) -> Choices:
    """The field with a box for each permission that opens something, named shortly."""
    if field is not None and field.queryset is not None and field.queryset.model is Permission:
        permissions: QuerySet[Permission] = field.queryset
        pages = [model._meta.model_name for model in apps.get_models() if site.is_registered(model)]
        has_page = Q(content_type__model__in=pages)
        field.queryset = permissions.filter(has_page | ~Q(content_type__app_label__in=OURS))
        field.label_from_instance = _permission_words  # type: ignore[assignment, method-assign]
    return field


def _permission_words(permission: Permission) -> str:
    """Such as: Sync job: can change; instead of the app, the model and both again."""
    model = permission.content_type.name
    words = permission.name.removesuffix(f" {model}")
    return f"{model[:1].upper()}{model[1:]}: {words[:1].lower()}{words[1:]}"
