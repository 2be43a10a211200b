"""Deleting a connector or a type, after a question that says what goes with it and what stands in the way."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from connectors.models import EditConflict
from syncjobs.operations.deletions import (
    ConnectorInUse,
    TypeInUse,
    delete_connector,
    delete_job_type,
    users_of,
    why_not_deleted,
)
from syncjobs.portal.connector_form_views import get_connector
from syncjobs.portal.job_type_run_views import get_job_type
from syncjobs.portal.pages import FORM, PortalAdmin, refuse, tell, warn


class ConnectorDeletionViews:
    """Needs the permission to delete connectors."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page = self._admin.page
        return [page("<slug:slug>/delete/", self.delete, "connector_delete", needs="delete", methods=FORM)]

    def delete(self, request: HttpRequest, slug: str) -> HttpResponse:
        connector = get_connector(slug)
        if request.method == "POST":
            try:
                delete_connector(connector, actor=request.user.get_username())
            except (ConnectorInUse, EditConflict) as conflict:
                refuse(request, conflict)
                return redirect("admin:connector_delete", slug)
            tell(request, f"Connector {slug} is deleted, with its credentials and tests.")
            return redirect("admin:connector_list")
        context = {"title": f"Delete {connector}", "connector": connector, "users": users_of(connector)}
        return self._admin.draw(request, "portal/connector_delete.html", context)


class JobTypeDeletionViews:
    """Needs the permission to delete types."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page = self._admin.page
        return [page("<slug:slug>/delete/", self.delete, "job_type_delete", needs="delete", methods=FORM)]

    def delete(self, request: HttpRequest, slug: str) -> HttpResponse:
        job_type = get_job_type(slug)
        if request.method == "POST":
            try:
                left = delete_job_type(job_type, actor=request.user.get_username())
            except (TypeInUse, EditConflict) as conflict:
                refuse(request, conflict)
                return redirect("admin:job_type_page", slug)
            tell(request, f"Type {slug} is deleted, with its jobs and schedules. The records of its target stay.")
            for sentence in left:
                warn(request, sentence)
            return redirect("admin:job_type_list")
        context = {
            "title": f"Delete {job_type}",
            "type": job_type,
            "jobs": job_type.jobs.count(),
            "schedules": job_type.schedules.count(),
            "refusal": why_not_deleted(job_type),
        }
        return self._admin.draw(request, "portal/job_type_delete.html", context)
