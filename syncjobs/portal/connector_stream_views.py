"""A connector's streams, and one stream's schema with its first rows, asked of the system itself within limits.

The page comes at once and asks for its inside by htmx, since another system may take its time to answer.
"""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern

from connectors.errors import SyncError
from connectors.records import StreamInfo
from connectors.sampling import LOOK_SECONDS, SAMPLE_ROWS
from syncjobs.operations.connectors import list_streams, sample_stream
from syncjobs.operations.sample_masks import masked_columns_of
from syncjobs.portal.connector_facts import kind_of
from syncjobs.portal.connector_form_views import get_connector
from syncjobs.portal.connector_reads import stream_uses
from syncjobs.portal.connector_samples import sample_rows, schema_rows
from syncjobs.portal.pages import PortalAdmin, signed_in_user
from syncjobs.portal.paging import page_by_number
from syncjobs.texts import storable_text

STREAMS_A_PAGE, LONGEST_NAME = 50, 500

logger = logging.getLogger("syncjobs.portal")


class ConnectorStreamViews:
    """Everybody who sees a connector sees its streams; rows need a permission of their own."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        one = "<slug:slug>/"
        return [
            self._admin.page(f"{one}streams/", self.streams, "connector_streams"),
            self._admin.page(f"{one}stream/", self.stream, "connector_stream"),
        ]

    def streams(self, request: HttpRequest, slug: str) -> HttpResponse:
        connector = get_connector(slug)
        search = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_NAME]
        context: dict[str, Any] = {"title": f"Streams of {connector}", "connector": connector, "search": search}
        context["seconds"] = LOOK_SECONDS
        if not _asks_for_the_inside(request):
            return self._admin.draw(request, "portal/connector_streams.html", context | _waiting(request))
        try:
            found = [info for info in list_streams(connector, seconds=LOOK_SECONDS) if _fits(info, search)]
        except SyncError as error:
            return self._inside(request, "portal/connector_streams.html", context | _problem(error))
        uses = stream_uses(connector)
        page = page_by_number(request, found, STREAMS_A_PAGE)
        rows = [{"stream": info, "uses": uses.get(info.name, [])} for info in page.rows]
        context |= {"page": page, "rows": rows, "total": len(found)}
        return self._inside(request, "portal/connector_streams.html", context)

    def stream(self, request: HttpRequest, slug: str) -> HttpResponse:
        connector = get_connector(slug)
        name = request.GET.get("name", "").replace("\0", "")[:LONGEST_NAME]
        context: dict[str, Any] = {"title": name or "Stream", "connector": connector, "stream": name}
        context |= {"may_see_rows": may_see_rows(request), "seconds": LOOK_SECONDS, "most": SAMPLE_ROWS}
        if not _asks_for_the_inside(request):
            context |= {"kind": kind_of(connector)[0], "uses": stream_uses(connector).get(name, [])}
            return self._admin.draw(request, "portal/connector_stream.html", context | _waiting(request))
        if context["may_see_rows"]:
            who = signed_in_user(request).get_username()
            logger.info("%s looks at the first rows of %s/%s", who, connector.slug, name)
        try:
            rows = SAMPLE_ROWS if context["may_see_rows"] else 0
            sample = sample_stream(connector, name, rows, seconds=LOOK_SECONDS)
        except SyncError as error:
            return self._inside(request, "portal/connector_stream.html", context | _problem(error))
        context |= {
            "fields": schema_rows(sample.schema),
            "sample": sample_rows(sample, masked_columns_of(connector, name)),
        }
        return self._inside(request, "portal/connector_stream.html", context)

    def _inside(self, request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
        """The part of the page that was waited for; the whole page for a browser without scripts."""
        if request.headers.get("HX-Request") == "true":
            return render(request, page.replace("/connector_", "/_connector_"), context)
        return self._admin.draw(request, page, context)


def may_see_rows(request: HttpRequest) -> bool:
    """Rows are other systems' data: for those who have that permission, or may change the connector anyway."""
    user = request.user
    return user.has_perm("connectors.sample_connector") or user.has_perm("connectors.change_connector")


def _asks_for_the_inside(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true" or request.GET.get("wait") == "no-scripts"


def _waiting(request: HttpRequest) -> dict[str, Any]:
    """The page before its inside is there, and where a browser without scripts gets it."""
    query = request.GET.copy()
    query["wait"] = "no-scripts"
    return {"is_waiting": True, "address": request.get_full_path(), "without_scripts": f"?{query.urlencode()}"}


def _problem(error: SyncError) -> dict[str, str]:
    return {"problem": storable_text(error.message), "hint": storable_text(error.hint)}


def _fits(info: StreamInfo, search: str) -> bool:
    return search.lower() in f"{info.name} {info.label}".lower()
