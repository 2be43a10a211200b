"""Who may see a connector: the groups to tick, for those who may say so."""

from __future__ import annotations

from django import forms
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from syncjobs.operations.grants import granted_groups, set_grants
from syncjobs.portal.connector_form_views import get_connector
from syncjobs.portal.connector_reads import using_types
from syncjobs.portal.pages import FORM, PortalAdmin, signed_in_user, tell


class GrantForm(forms.Form):
    """Boxes of all groups; none ticked means that everybody sees it."""

    groups = forms.ModelMultipleChoiceField(
        Group.objects.none(),
        label="Groups that may see it",
        required=False,
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: it is open to everybody who may see connectors.",
    )

    def __init__(self, granted: list[str], data: object = None) -> None:
        super().__init__(data, initial={"groups": granted})  # type: ignore[arg-type]
        field = self.fields["groups"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 - declared above
        field.queryset = Group.objects.order_by("name")

    @property
    def chosen(self) -> list[str]:
        return [group.name for group in self.cleaned_data["groups"]]


class ConnectorGrantViews:
    """One page, for the connectors' admin class to put among its pages."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page = self._admin.page
        return [page("<slug:slug>/grants/", self.grants, "connector_grants", needs="grant", methods=FORM)]

    def grants(self, request: HttpRequest, slug: str) -> HttpResponse:
        connector = get_connector(slug)
        form = GrantForm(granted_groups(connector), request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            set_grants(connector, form.chosen, actor=signed_in_user(request).get_username())
            who = f"members of {', '.join(form.chosen)}" if form.chosen else "everybody who may see connectors"
            tell(request, f"{connector} is there for {who}, and for those who may say so.")
            return redirect("admin:connector_page", slug)
        context = {
            "title": f"Who may see {connector}",
            "connector": connector,
            "form": form,
            "fields": [form["groups"]],
            "types": list(using_types(connector).order_by("name")[:20]),
        }
        status = 422 if form.is_bound else 200
        return self._admin.draw(request, "portal/connector_grants.html", context, status=status)
