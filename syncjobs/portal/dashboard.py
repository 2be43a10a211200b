"""The first page: how syncs have been going, what runs now, what comes next. Reads only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from syncjobs.models import SyncJobType
from syncjobs.operations import failure_clusters
from syncjobs.operations.default_jobs import JOB_TYPES
from syncjobs.operations.visible import visible_connectors, visible_job_types
from syncjobs.portal import charts, figures, job_reads, schedule_reads
from syncjobs.portal.job_facts import progress_of, records_per_second, seconds_left
from syncjobs.portal.live import Region, is_asked_for
from syncjobs.portal.pages import draw_page

RECENT, CONNECTORS_SHOWN, UPCOMING_SHOWN, CLUSTERS_SHOWN, QUICK_SHOWN = 10, 12, 6, 5, 5
DEFAULTS = [shape["slug"] for shape in JOB_TYPES]


def draw_dashboard(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The dashboard, or the one of its live regions that is asked for; what this person may not see is left out."""
    context: dict[str, Any] = {"title": "Dashboard", "now": timezone.now(), "may_see": _may_see(request)}
    parts = _parts() if context["may_see"]["job"] else {}
    for region, read in parts.items():
        if is_asked_for(request, region):
            return draw_page(site, request, "portal/dashboard.html", context | read(), regions=[region])
    for read in parts.values():
        context |= read()
    context |= _surroundings(context["may_see"])
    return draw_page(site, request, "portal/dashboard.html", context, regions=list(parts))


def _parts() -> dict[Region, Callable[[], dict[str, Any]]]:
    """The live regions, each with what it reads."""
    now = timezone.now()
    day = cache(lambda: figures.day_figures(now))  # for cards and charts alike
    return {
        Region("cards", "portal/_cards.html", is_live=True, every="15s"): lambda: _cards(day(), now),
        Region("charts", "portal/_charts.html", is_live=True, every="60s"): lambda: {"day": charts.day_charts(day())},
        Region("running-now", "portal/_running_now.html", is_live=True): _running,
        Region("recent", "portal/_recent.html", is_live=True, every="5s"): _recent,
        Region("clusters", "portal/_clusters.html", is_live=True, every="15s"): _clusters,
    }


def _may_see(request: HttpRequest) -> dict[str, bool]:
    seen = {"job": "syncjobs.{}_syncjob", "job_type": "syncjobs.{}_syncjobtype"}
    seen |= {"schedule": "syncjobs.{}_schedule", "connector": "connectors.{}_connector"}
    may = request.user.has_perm
    allowed = {name: any(may(code.format(verb)) for verb in ("view", "change")) for name, code in seen.items()}
    return allowed | {"run": may("syncjobs.change_syncjob") and allowed["job_type"]}


def _cards(day: figures.Day, now: datetime) -> dict[str, Any]:
    return {"cards": figures.cards(day, now, reverse("admin:job_list")), "held": figures.held_jobs()}


def _clusters() -> dict[str, Any]:
    return {"clusters": failure_clusters.clusters(timezone.now(), limit=CLUSTERS_SHOWN)}


def _running() -> dict[str, Any]:
    now = timezone.now()
    rows = [
        {
            "job": job,
            "progress": progress_of(job, now),
            "rate": records_per_second(job, now),
            "left": seconds_left(job, now),
        }
        for job in figures.running_jobs()
    ]
    return {"running": rows}


def _recent() -> dict[str, Any]:
    return {"recent": [{"job": job, "why": job_reads.why(job)} for job in job_reads.listed_jobs()[:RECENT]]}


def _surroundings(may_see: dict[str, bool]) -> dict[str, Any]:
    return {
        "quick": _quick_types() if may_see["run"] else [],
        "upcoming": schedule_reads.upcoming(UPCOMING_SHOWN) if may_see["schedule"] else [],
        "connectors": list(visible_connectors()[:CONNECTORS_SHOWN]) if may_see["connector"] else [],
        "has_types": visible_job_types().exists(),
    }


def _quick_types() -> list[SyncJobType]:
    """What is offered to be run at once: the default types, then those that were made first."""
    types = visible_job_types().filter(controller="stream_sync", paused_at=None)
    first = Case(When(slug__in=DEFAULTS, then=0), default=1)
    return list(types.order_by(first, "pk").only("slug", "name")[:QUICK_SHOWN])
