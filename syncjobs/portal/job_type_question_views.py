"""What is asked before a type is restarted, or new columns are accepted; each is one call of an operation."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from connectors.errors import ConfigError
from connectors.models import EditConflict
from syncjobs.models import SchemaSnapshot, SyncJobType
from syncjobs.operations.cursors import list_cursor_entries, restart_job_type, shown_value
from syncjobs.operations.job_type_states import set_job_type_enabled
from syncjobs.operations.run_requests import RunRefused
from syncjobs.operations.source_schemas import accept_schemas
from syncjobs.portal import schema_reads
from syncjobs.portal.job_type_run_views import get_job_type, has_streams, may_run
from syncjobs.portal.pages import FORM, POSTING, PortalAdmin, refuse, signed_in_user, tell
from syncjobs.portal.words import error_words
from syncjobs.statuses import ACTIVE, Trigger
from syncjobs.stream_cursors import cursor_fields


class JobTypeQuestionViews:
    """They change the type or its ledger; a restart makes a job, too, and so needs both permissions."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page, one = self._admin.page, "<slug:slug>/"
        return [
            page(f"{one}restart/", self.restart, "job_type_restart", needs="change", methods=FORM),
            page(f"{one}accept-schema/", self.accept_schema, "job_type_accept_schema", needs="change", methods=FORM),
            page(f"{one}switch/", self.switch, "job_type_switch", needs="change", methods=POSTING),
        ]

    def restart(self, request: HttpRequest, slug: str) -> HttpResponse:
        if not may_run(request):
            raise PermissionDenied
        job_type = get_job_type(slug)
        if request.method == "POST":
            return self._restart(request, job_type)
        context = {
            "title": f"Restart {job_type}",
            "type": job_type,
            "has_streams": has_streams(job_type),
            "cursors": [_standing(job_type, stream, field) for stream, field in cursor_fields(job_type.config).items()],
            "active": job_type.jobs.filter(status__in=ACTIVE).count(),
        }
        return self._admin.draw(request, "portal/job_type_restart.html", context)

    def _restart(self, request: HttpRequest, job_type: SyncJobType) -> HttpResponse:
        user = signed_in_user(request)
        try:
            job = restart_job_type(job_type, trigger=Trigger.MANUAL, actor=user.get_username(), user=user)
        except RunRefused as refusal:
            refuse(request, refusal)
        except ConfigError as error:
            refuse(request, Exception(error_words(error)))
        else:
            tell(request, f"{job_type} is restarted as job #{job.pk}, which reads everything.")
            return redirect("admin:job_page", job.pk)
        return redirect("admin:job_type_page", job_type.slug)

    def accept_schema(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Of one stream, whose newest columns have stopped a run."""
        job_type = get_job_type(slug)
        stream = str((request.POST if request.method == "POST" else request.GET).get("stream", ""))[:255]
        if request.method == "POST":
            self._accept(request, job_type, stream)
            return redirect("admin:job_type_page", slug)
        newest = schema_reads.schema_rows(job_type).get(stream, [None])[0]
        context = {"title": f"Accept the columns of {stream}", "type": job_type, "stream": stream, "schema": newest}
        return self._admin.draw(request, "portal/job_type_accept_schema.html", context)

    def _accept(self, request: HttpRequest, job_type: SyncJobType, stream: str) -> None:
        try:
            accept_schemas(job_type, actor=request.user.get_username(), stream=stream)
        except SchemaSnapshot.DoesNotExist as nothing:
            refuse(request, nothing)
        else:
            tell(request, f"The columns of {stream} are accepted. The next run goes by them.")

    def switch(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Let schedules, hooks, webhooks and chains start the type, or no longer."""
        job_type, is_on = get_job_type(slug), request.POST.get("enabled") == "yes"
        user = signed_in_user(request)
        try:
            set_job_type_enabled(job_type, is_on, actor=user.get_username(), user=user)
        except (EditConflict, ValidationError) as error:
            refuse(request, Exception(" ".join(error.messages)) if isinstance(error, ValidationError) else error)
        else:
            tell(request, f"{job_type} is {'started: it runs when due' if is_on else 'stopped: it runs by hand only'}.")
        return redirect("admin:job_type_page", slug)


def _standing(job_type: SyncJobType, stream: str, field: str) -> dict[str, str]:
    newest = next(iter(list_cursor_entries(job_type, stream, 1)), None)
    at = shown_value(newest.new if newest and newest.field == field else None)
    return {"stream": stream, "field": field, "at": at}
