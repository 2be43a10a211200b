"""The page of workers and queues: who is alive and does what, what waits and why, and what to start if need be."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from syncjobs.clock import db_now
from syncjobs.portal.connector_reads import may_see_jobs
from syncjobs.portal.live import Region
from syncjobs.portal.pages import PortalAdmin
from syncjobs.portal.program_reads import verdicts
from syncjobs.portal.worker_reads import read_workshop


class WorkerAdmin(PortalAdmin):
    """Workers say themselves that they are there; nobody adds or edits one."""

    address = "workers"

    def pages(self) -> list[URLPattern]:
        return [self.page("", self.worker_list, "worker_list")]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees jobs may see why they do not run."""
        return may_see_jobs(request) or bool(super().has_view_permission(request, obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def worker_list(self, request: HttpRequest) -> HttpResponse:
        now = db_now()
        workshop = read_workshop(now)
        context: dict[str, Any] = {
            "title": "Workers and queues",
            "now": now,
            "workshop": workshop,
            "verdicts": verdicts(workshop, now),
            "may_see_jobs": may_see_jobs(request),
        }
        region = Region("workers", "portal/_workers.html", is_live=True)
        return self.draw(request, "portal/worker_list.html", context, regions=[region])
