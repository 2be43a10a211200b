"""Failures by their cause: the clusters, one with its jobs, and the retry of all of them after a question."""

from __future__ import annotations

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils import timezone

from syncjobs.operations import failure_clusters
from syncjobs.operations.failures import MOST_RETRIED, retry_failures
from syncjobs.portal.bulk_action_views import summary
from syncjobs.portal.forms.action_forms import ActionForm
from syncjobs.portal.job_actions import ACTIONS
from syncjobs.portal.live import Region
from syncjobs.portal.pages import FORM, PortalAdmin, signed_in_user, tell, warn
from syncjobs.portal.paging import page_by_id

DAYS = (1, 7, 30)
MOST_CLUSTERS, JOBS_A_PAGE = 50, 50


class FailureViews:
    """Pages that go by the permissions of jobs."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page, one = self._admin.page, "<slug:fingerprint>/"
        return [
            page("", self.failure_list, "failure_list"),
            page(one, self.failure_page, "failure_page"),
            page(f"{one}retry/", self.failure_retry, "failure_retry", needs="change", methods=FORM),
        ]

    def failure_list(self, request: HttpRequest) -> HttpResponse:
        now, days = timezone.now(), _days(request)
        found = failure_clusters.clusters(now, days=days, limit=MOST_CLUSTERS + 1)
        context = {
            "title": "Failures",
            "clusters": found[:MOST_CLUSTERS],
            "has_more": len(found) > MOST_CLUSTERS,
            "may_act": self._admin.has_change_permission(request),
            "days": days,
            "choices": DAYS,
        }
        region = Region("failure-list", "portal/_failure_list.html", is_live=True, every="15s")
        return self._admin.draw(request, "portal/failure_list.html", context, regions=[region])

    def failure_page(self, request: HttpRequest, fingerprint: str) -> HttpResponse:
        now, days = timezone.now(), _days(request)
        page = page_by_id(
            request, failure_clusters.jobs_of(fingerprint, now, days=days), JOBS_A_PAGE, newest_first=True
        )
        context = {
            "title": "A failure",
            "cluster": failure_clusters.cluster(now, fingerprint, days=days),
            "page": page,
            "may_act": self._admin.has_change_permission(request),
            "days": days,
        }
        return self._admin.draw(request, "portal/failure_page.html", context)

    def failure_retry(self, request: HttpRequest, fingerprint: str) -> HttpResponse:
        now, days = timezone.now(), _days(request)
        if request.method == "POST":
            return self._retry(request, fingerprint, days)
        cluster = failure_clusters.cluster(now, fingerprint, days=days)
        if cluster is None:
            raise Http404("No job is failed in this way any more.")
        context = {
            "title": "Retry all",
            "cluster": cluster,
            "form": ActionForm(),
            "number": min(cluster.number, MOST_RETRIED),
            "left": max(0, cluster.number - MOST_RETRIED),
            "days": days,
        }
        return self._admin.draw(request, "portal/failure_retry.html", context)

    def _retry(self, request: HttpRequest, fingerprint: str, days: int) -> HttpResponse:
        since = timezone.now() - timedelta(days=days)
        result = retry_failures(fingerprint, since=since, actor=signed_in_user(request).get_username())
        (warn if result.refused else tell)(request, summary(ACTIONS["retry"], result))
        return redirect(f"{reverse('admin:failure_list')}?days={days}")


def _days(request: HttpRequest) -> int:
    """The window that the address asks for; 7 days where it asks for none that there is."""
    asked = request.GET.get("days", "")
    return next((days for days in DAYS if str(days) == asked), 7)
