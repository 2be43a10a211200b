"""A connector's form: first the kind, then its settings. Secrets go in and never come out."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from connectors.base import Connector as RuntimeConnector
from connectors.models import Connector, EditConflict
from connectors.registry import connector_class, known_kinds
from syncjobs.operations.connectors import save_connector
from syncjobs.operations.secret_rights import may_set_credentials
from syncjobs.operations.visible import visible_connectors
from syncjobs.portal.connector_facts import kind_of
from syncjobs.portal.forms.connector_forms import ConnectorForm
from syncjobs.portal.pages import FORM, PortalAdmin, signed_in_user, tell


class ConnectorFormViews:
    """Adding and editing."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        edit = "<slug:slug>/edit/"
        return [
            self._admin.page("-/add/", self.add, "connector_add", needs="add", methods=FORM),
            self._admin.page(edit, self.edit, "connector_edit", needs="change", methods=FORM),
        ]

    def add(self, request: HttpRequest) -> HttpResponse:
        """First the kind, then its form."""
        kinds = known_kinds()
        chosen = request.GET.get("kind", "")
        if chosen not in {kind.name for kind in kinds if not kind.problem}:
            context = {"title": "Add a connector", "kinds": kinds}
            return self._admin.draw(request, "portal/connector_kinds.html", context)
        return self._form(request, connector_class(chosen), None)

    def edit(self, request: HttpRequest, slug: str) -> HttpResponse:
        connector = get_connector(slug)
        kind, problem = kind_of(connector)
        if kind is None:
            raise Http404(problem)
        return self._form(request, kind, connector)

    def _form(self, request: HttpRequest, kind: type[RuntimeConnector], connector: Connector | None) -> HttpResponse:
        title = f"Edit {connector}" if connector else f"Add a connector to {kind.label}"
        user = signed_in_user(request)
        data = request.POST if request.method == "POST" else None
        form = ConnectorForm(kind, connector, data, may_set_secrets=may_set_credentials(user))
        if form.is_bound and form.is_valid() and (saved := _save(form, user)):
            tell(request, f"{saved} is saved. Test it to see whether it works.")
            return redirect("admin:connector_page", saved.slug)
        context = {"title": title, "form": form, "connector": connector}
        return self._admin.draw(request, "portal/connector_edit.html", context, status=422 if form.is_bound else 200)


def _save(form: ConnectorForm, user: User) -> Connector | None:
    try:
        return save_connector(form.build(), user=user)
    except ValidationError as error:
        form.show(error)
    except EditConflict as conflict:
        form.add_error(None, f"Not saved: {conflict}.")
    return None


def get_connector(slug: str) -> Connector:
    """The connector. Raises Http404."""
    connector = visible_connectors().filter(slug=slug).first()
    if connector is None:
        raise Http404(f"There is no connector '{slug}'.")
    return connector
