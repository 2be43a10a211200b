"""What a person does with a connector: test it while looking on, and sync now what reads from it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils import timezone

from connectors.models import ConnectionTest, Connector
from syncjobs.operations.connector_syncs import ConnectorSync, sync_connector, types_to_sync
from syncjobs.operations.connectors import test_connector, watch_test
from syncjobs.operations.run_requests import RunRefused
from syncjobs.portal.connector_form_views import get_connector
from syncjobs.portal.connector_health import health_context
from syncjobs.portal.connector_reads import using_types
from syncjobs.portal.job_type_run_views import may_run
from syncjobs.portal.pages import FORM, POSTING, PortalAdmin, refuse, signed_in_user, tell, warn
from syncjobs.portal.words import plural
from syncjobs.statuses import Trigger

JOBS_TOLD = 5


class ConnectorActionViews:
    """Each is one call of an operation."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        one = "<slug:slug>/"
        return [
            self._admin.page(f"{one}test/", self.test, "connector_test", needs="change", methods=POSTING),
            self._admin.page(f"{one}sync/", self.sync, "connector_sync", methods=FORM),
        ]

    def test(self, request: HttpRequest, slug: str) -> HttpResponseBase:
        """Test it now, which may take half a minute; a script gets the steps as they are done, a browser the page."""
        connector = get_connector(slug)
        if request.headers.get("X-Live-Steps") == "yes":
            response = StreamingHttpResponse(_test_lines(connector), content_type="application/x-ndjson")
            response.headers["Cache-Control"], response.headers["X-Accel-Buffering"] = "no-store", "no"
            return response
        test = test_connector(connector)
        tell(request, f"The test of {connector} {'passed' if test.ok else 'failed'}; its steps are below.")
        return redirect("admin:connector_page", slug)

    def sync(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Which of the types that read from it; posting starts them."""
        if not may_run(request):
            raise PermissionDenied
        connector = get_connector(slug)
        if request.method == "POST" and (done := _sync(request, connector)):
            _tell_sync(request, done)
            only = done.jobs[0] if len(done.jobs) == 1 and not done.refused else None
            return redirect("admin:job_page", only.pk) if only else redirect("admin:connector_page", slug)
        context = {"title": f"Sync now from {connector}", "connector": connector}
        context |= {"types": list(types_to_sync(connector).select_related("source_connector", "target_connector"))}
        return self._admin.draw(request, "portal/connector_sync.html", context)


def _test_lines(connector: Connector) -> Iterator[str]:
    """Lines of JSON: the region as it begins, each step when it is done, and health and region as they are then."""
    context = {"connector": connector, "now": timezone.now()}
    yield _line("begin", "portal/_connector_tests.html", context | {"is_testing": True})
    for told in watch_test(connector):
        if not isinstance(told, ConnectionTest):
            yield _line("step", "portal/_connector_step.html", {"step": told})
    types = list(using_types(connector).values_list("pk", flat=True))
    context |= {"now": timezone.now(), **health_context(connector, types)}
    yield _line("health", "portal/_connector_health.html", context)
    yield _line("end", "portal/_connector_tests.html", context)


def _line(what: str, template: str, context: dict[str, object]) -> str:
    return json.dumps({"what": what, "html": render_to_string(template, context)}) + "\n"


def _sync(request: HttpRequest, connector: Connector) -> ConnectorSync | None:
    user = signed_in_user(request)
    chosen = request.POST.getlist("types") if "choose" in request.POST else None
    is_dry = request.POST.get("dry_run") == "on"
    try:
        return sync_connector(
            connector, chosen, trigger=Trigger.MANUAL, actor=user.get_username(), user=user, dry_run=is_dry
        )
    except RunRefused as refusal:
        refuse(request, refusal)
    return None


def _tell_sync(request: HttpRequest, done: ConnectorSync) -> None:
    if done.jobs:
        numbers = ", ".join(f"#{job.pk}" for job in done.jobs[:JOBS_TOLD])
        more = f" and {len(done.jobs) - JOBS_TOLD} more" if len(done.jobs) > JOBS_TOLD else ""
        verb = "is" if len(done.jobs) == 1 else "are"
        tell(request, f"{plural(len(done.jobs), 'job')} {verb} queued: {numbers}{more}.")
    for slug, reason in done.refused.items():
        warn(request, f"{slug} was not started: {reason.rstrip('.')}.")
