"""The connectors' pages: list, one connector with its tests, its form. Credentials show as set or not set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from connectors.base import Connector as RuntimeConnector
from connectors.errors import ConfigError
from connectors.models import Connector, EditConflict
from connectors.registry import connector_class, known_kinds
from syncjobs.models import SyncJobType
from syncjobs.operations.connectors import save_connector, test_connector
from syncjobs.portal.forms.connector_forms import ConnectorForm
from syncjobs.portal.live import Region
from syncjobs.portal.pages import FORM, POSTING, PortalAdmin, tell

CONNECTORS_SHOWN, TESTS_SHOWN, TYPES_SHOWN = 500, 10, 50


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential of a kind, by name; never its value."""

    label: str
    state: str


class ConnectorAdmin(PortalAdmin):
    """Connectors are edited and tested here."""

    address = "connectors"

    def pages(self) -> list[URLPattern]:
        one = "<slug:slug>/"
        return [
            self.page("", self.connector_list, "connector_list"),
            self.page("-/add/", self.connector_add, "connector_add", needs="add", methods=FORM),
            self.page(one, self.connector_page, "connector_page"),
            self.page(f"{one}edit/", self.connector_edit, "connector_edit", needs="change", methods=FORM),
            self.page(f"{one}test/", self.connector_test, "connector_test", needs="change", methods=POSTING),
        ]

    def connector_list(self, request: HttpRequest) -> HttpResponse:
        used = Count("source_job_types", distinct=True) + Count("target_job_types", distinct=True)
        rows = list(Connector.objects.annotate(used=used)[:CONNECTORS_SHOWN])
        labels = {kind.name: kind.label for kind in known_kinds()}
        context = {
            "title": "Connectors",
            "rows": [{"connector": row, "kind": labels.get(row.kind, row.kind)} for row in rows],
            "may_add": self.has_add_permission(request),
        }
        return self.draw(request, "portal/connector_list.html", context)

    def connector_page(self, request: HttpRequest, slug: str) -> HttpResponse:
        connector = self._get(slug)
        kind, problem = _kind_of(connector)
        using = SyncJobType.objects.filter(Q(source_connector=connector) | Q(target_connector=connector))
        context: dict[str, Any] = {
            "title": connector.name,
            "connector": connector,
            "kind": kind.label if kind else connector.kind,
            "kind_problem": problem,
            "settings": _settings(connector, kind),
            "credentials": _credentials(connector, kind),
            "types": list(using.select_related("source_connector", "target_connector")[:TYPES_SHOWN]),
            "may_change": self.has_change_permission(request),
            "tests": list(connector.tests.all()[:TESTS_SHOWN]),
        }
        return self.draw(request, "portal/connector_page.html", context, regions=[_tests_region()])

    def connector_test(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Test it now, which may take half a minute; htmx gets the result alone, a browser the page."""
        connector = self._get(slug)
        test = test_connector(connector)
        if request.headers.get("HX-Request") == "true":
            context = {"connector": connector, "tests": list(connector.tests.all()[:TESTS_SHOWN])}
            return self.draw(request, "portal/connector_page.html", context, regions=[_tests_region()])
        tell(request, f"The test of {connector} {'passed' if test.ok else 'failed'}; its steps are below.")
        return redirect("admin:connector_page", slug)

    def connector_add(self, request: HttpRequest) -> HttpResponse:
        """First the kind, then its form."""
        kinds = known_kinds()
        chosen = request.GET.get("kind", "")
        usable = {kind.name for kind in kinds if not kind.problem}
        if chosen not in usable:
            context = {"title": "Add a connector", "kinds": kinds}
            return self.draw(request, "portal/connector_kinds.html", context)
        return self._edit(request, connector_class(chosen), None)

    def connector_edit(self, request: HttpRequest, slug: str) -> HttpResponse:
        connector = self._get(slug)
        kind, problem = _kind_of(connector)
        if kind is None:
            raise Http404(problem)
        return self._edit(request, kind, connector)

    def _edit(self, request: HttpRequest, kind: type[RuntimeConnector], connector: Connector | None) -> HttpResponse:
        title = f"Edit {connector}" if connector else f"Add a connector to {kind.label}"
        form = ConnectorForm(kind, connector, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and (saved := self._save(form)):
            tell(request, f"{saved} is saved. Test it to see whether it works.")
            return redirect("admin:connector_page", saved.slug)
        context = {"title": title, "form": form, "connector": connector}
        return self.draw(request, "portal/connector_edit.html", context, status=422 if form.is_bound else 200)

    def _save(self, form: ConnectorForm) -> Connector | None:
        try:
            return save_connector(form.build())
        except ValidationError as error:
            form.show(error)
        except EditConflict as conflict:
            form.add_error(None, f"Not saved: {conflict}.")
        return None

    def _get(self, slug: str) -> Connector:
        connector = Connector.objects.filter(slug=slug).first()
        if connector is None:
            raise Http404(f"There is no connector '{slug}'.")
        return connector


def _tests_region() -> Region:
    return Region("connector-tests", "portal/_connector_tests.html", is_live=False)


def _kind_of(connector: Connector) -> tuple[type[RuntimeConnector] | None, str]:
    try:
        return connector_class(connector.kind), ""
    except ConfigError as error:
        return None, " ".join(filter(None, (f"{error.message}.", error.hint)))


def _settings(connector: Connector, kind: type[RuntimeConnector] | None) -> list[tuple[str, Any]]:
    """The settings with their titles, in the order of the kind's schema; unknown ones at the end."""
    properties = kind.spec()["config"].get("properties", {}) if kind else {}
    names = [*properties, *(name for name in connector.config if name not in properties)]
    return [
        (properties.get(name, {}).get("title") or name, connector.config[name])
        for name in names
        if name in connector.config
    ]


def _credentials(connector: Connector, kind: type[RuntimeConnector] | None) -> list[Credential]:
    try:
        stored = set(connector.credentials.names)
    except ConfigError as error:
        return [Credential("Credentials", f"stored, but unreadable: {error.hint}")]
    properties = kind.spec()["credentials"].get("properties", {}) if kind else {}
    names = [*properties, *sorted(stored - set(properties))]
    return [
        Credential(properties.get(name, {}).get("title") or name, "set" if name in stored else "not set")
        for name in names
    ]
