"""The admin site that is the portal: what is registered, its addresses, its frame. django-celery-beat's models are not
registered on purpose: their stock pages let staff run any task with any arguments.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.models import Group, User
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from connectors.models import Connector
from syncjobs.models import ApiToken, AuditEvent, Schedule, SyncJob, SyncJobType, WorkerSeen
from syncjobs.operations.accounts import noting_new_password
from syncjobs.portal.audit import AuditAdmin
from syncjobs.portal.connectors import ConnectorAdmin
from syncjobs.portal.dashboard import draw_dashboard
from syncjobs.portal.job_types import SyncJobTypeAdmin
from syncjobs.portal.jobs import SyncJobAdmin
from syncjobs.portal.live import Region, answer_region, is_asked_for
from syncjobs.portal.login_guard import LOCKED, GuardedLoginForm, seconds_left
from syncjobs.portal.navigation import menu
from syncjobs.portal.pages import FORM, PortalAdmin, View, draw_page
from syncjobs.portal.schedules import ScheduleAdmin
from syncjobs.portal.search_reads import find, read_search
from syncjobs.portal.tokens import TokenAdmin
from syncjobs.portal.users import PortalGroupAdmin, PortalUserAdmin
from syncjobs.portal.workers import WorkerAdmin

Address = URLPattern | URLResolver
HITS = Region("palette-hits", "portal/_hits.html", is_live=False)


class PortalSite(AdminSite):
    """Django's admin with our pages, our menu and our frame."""

    site_title = "Syncdeck"
    site_header = "Syncdeck"
    index_title = "Dashboard"
    site_url = None
    enable_nav_sidebar = False
    login_form = GuardedLoginForm
    login_template = "portal/login.html"

    def get_urls(self) -> list[Any]:
        """Our pages lie at addresses of their own (/admin/jobs/), before the stock ones."""
        ours: list[Address] = []
        stock_places = set()
        for model, model_admin in self._registry.items():
            if isinstance(model_admin, PortalAdmin):
                places = {model_admin.address: model_admin.get_urls()} | model_admin.neighbours()
                ours += [path(f"{address}/", include(pages)) for address, pages in places.items()]
                stock_places.add(f"{model._meta.app_label}/{model._meta.model_name}/")
        stock = [address for address in super().get_urls() if str(address.pattern) not in stock_places]
        ours.append(path("search/", self.admin_view(self.search), name="search"))
        return ours + stock

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # type: ignore[override]
        """Stock pages take any method for a GET; here they are read, or forms are posted to them."""
        guarded: View = super().admin_view(require_http_methods(FORM)(view), cacheable)
        return guarded

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        sections = SimpleLazyObject(lambda: menu(request) if self.has_permission(request) else [])
        return context | {"menu": sections}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        return draw_dashboard(self, request)

    def search(self, request: HttpRequest) -> HttpResponse:
        """What fits the words of the address, as a page, or as the list alone for the dialog that Ctrl-K opens."""
        text = read_search(request)
        sections = menu(request)
        context = {"title": "Search", "menu": sections, "search": text, "hits": find(request, text, sections)}
        if is_asked_for(request, HITS):
            return answer_region(request, HITS, context)
        return draw_page(self, request, "portal/search.html", context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        with noting_new_password(request.user.pk):
            return super().password_change(request, extra_context)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A fragment that asks after the session has ended must not show the form inside a page: the browser goes."""
        if request.headers.get("HX-Request") == "true" and request.method == "GET":
            return HttpResponseClientRedirect(f"{reverse('admin:login')}?{request.GET.urlencode()}")
        answer = super().login(request, extra_context)
        form = (getattr(answer, "context_data", None) or {}).get("form")
        if form is not None and form.has_error(NON_FIELD_ERRORS, LOCKED):
            answer.status_code = HTTPStatus.TOO_MANY_REQUESTS
            answer.headers["Retry-After"] = str(seconds_left(time.time()))
        return answer


def _assemble() -> PortalSite:
    site = PortalSite(name="admin")
    site.register(SyncJob, SyncJobAdmin)
    site.register(SyncJobType, SyncJobTypeAdmin)
    site.register(Connector, ConnectorAdmin)
    site.register(Schedule, ScheduleAdmin)
    site.register(WorkerSeen, WorkerAdmin)
    site.register(ApiToken, TokenAdmin)
    site.register(AuditEvent, AuditAdmin)
    site.register(User, PortalUserAdmin)
    site.register(Group, PortalGroupAdmin)
    return site


portal_site = _assemble()
