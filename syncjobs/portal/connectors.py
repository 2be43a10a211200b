"""The connectors' pages to look at: the list, and one connector with its tests, health, jobs and users."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, URLPattern, reverse

from syncjobs.operations.connector_syncs import types_to_sync
from syncjobs.operations.grants import granted_groups
from syncjobs.operations.visible import SEES_ALL, visible_connectors
from syncjobs.portal import connector_reads, job_reads
from syncjobs.portal.connector_action_views import ConnectorActionViews
from syncjobs.portal.connector_facts import credentials_of, kind_of, settings_of
from syncjobs.portal.connector_form_views import ConnectorFormViews, get_connector
from syncjobs.portal.connector_grant_views import ConnectorGrantViews
from syncjobs.portal.connector_health import health_context
from syncjobs.portal.connector_stream_views import ConnectorStreamViews
from syncjobs.portal.deletion_views import ConnectorDeletionViews
from syncjobs.portal.job_type_run_views import may_run
from syncjobs.portal.live import Region
from syncjobs.portal.pages import PortalAdmin
from syncjobs.portal.paging import page_by_number

CONNECTORS_A_PAGE, TYPES_SHOWN, TYPES_LOOKED_AT, JOBS_SHOWN = 50, 50, 1_000, 10


class ConnectorAdmin(PortalAdmin):
    """Connectors are edited, tested, browsed and synced from here."""

    address = "connectors"

    def pages(self) -> list[URLPattern]:
        return [
            self.page("", self.connector_list, "connector_list"),
            *ConnectorFormViews(self).pages(),
            self.page("<slug:slug>/", self.connector_page, "connector_page"),
            *ConnectorGrantViews(self).pages(),
            *ConnectorActionViews(self).pages(),
            *ConnectorStreamViews(self).pages(),
            *ConnectorDeletionViews(self).pages(),
        ]

    def has_grant_permission(self, request: HttpRequest) -> bool:
        """Saying who sees what is a right of its own."""
        return request.user.has_perm(SEES_ALL)

    def connector_list(self, request: HttpRequest) -> HttpResponse:
        wanted = connector_reads.ConnectorFilter.from_query(request.GET)
        found = connector_reads.with_users(wanted.apply(visible_connectors()))
        page = page_by_number(request, found, CONNECTORS_A_PAGE)
        context = {
            "title": "Connectors",
            "page": page,
            "rows": [connector_reads.connector_row(connector) for connector in page.rows],
            "filter": wanted,
            "kinds": connector_reads.kind_labels(),
            "healths": {word: label for word, (label, _) in connector_reads.HEALTH.items()},
            "may_add": self.has_add_permission(request),
        }
        return self.draw(request, "portal/connector_list.html", context)

    def connector_page(self, request: HttpRequest, slug: str) -> HttpResponse:
        connector = get_connector(slug)
        kind, problem = kind_of(connector)
        types = list(connector_reads.using_types(connector)[:TYPES_LOOKED_AT])
        context: dict[str, Any] = {
            "title": connector.name,
            "connector": connector,
            "kind": kind.label if kind else connector.kind,
            "kind_problem": problem,
            "settings": settings_of(connector, kind),
            "credentials": credentials_of(connector, kind),
            "types": types[:TYPES_SHOWN],
            "more_types": max(0, len(types) - TYPES_SHOWN),
            "may_change": self.has_change_permission(request),
            "delete_address": _delete_address(slug) if self.has_delete_permission(request) else "",
            "granted": granted_groups(connector),
            "may_grant": self.has_grant_permission(request),
            "syncable": len(types_to_sync(connector)[:2]) if may_run(request) else None,
        }
        regions = [Region("connector-tests", "portal/_connector_tests.html", is_live=False)]
        pks = [one.pk for one in types]
        jobs = connector_reads.latest_jobs(pks, JOBS_SHOWN)
        context |= health_context(connector, pks)
        context["jobs"] = [{"job": job, "why": job_reads.why(job)} for job in jobs]
        if connector_reads.may_see_jobs(request):
            is_live = any(not job.is_final for job in jobs)
            regions.append(Region("connector-jobs", "portal/_connector_jobs.html", is_live=is_live))
        return self.draw(request, "portal/connector_page.html", context, regions=regions)


def _delete_address(slug: str) -> str:
    try:
        return reverse("admin:connector_delete", args=[slug])
    except NoReverseMatch:
        return ""
