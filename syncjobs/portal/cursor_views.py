"""How far a type's incremental streams have come, and setting one back after a question: one call of an operation."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.http import urlencode

from syncjobs.models import StreamCursor, SyncJobType
from syncjobs.operations.cursors import (
    RewindRefused,
    list_cursor_entries,
    list_streams,
    rewind_cursor,
    shown_value,
)
from syncjobs.portal.job_type_run_views import get_job_type
from syncjobs.portal.pages import FORM, PortalAdmin, refuse, tell
from syncjobs.stream_cursors import cursor_fields

ENTRIES_SHOWN = 10
START = "start"


class CursorViews:
    """Anybody who sees types may look; setting a cursor back needs the permission to change types."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page = self._admin.page
        return [
            page("<slug:slug>/cursor/", self.cursor, "job_type_cursor"),
            page("<slug:slug>/cursor/rewind/", self.rewind, "job_type_rewind", needs="change", methods=FORM),
        ]

    def cursor(self, request: HttpRequest, slug: str) -> HttpResponse:
        job_type = get_job_type(slug)
        stream = _stream(job_type, request.GET.get("stream"))
        context = {
            "title": f"Cursor of {job_type}",
            "type": job_type,
            "stream": stream,
            "streams": list_streams(job_type),
            "field": cursor_fields(job_type.config).get(stream, ""),
            "rows": [_row(entry) for entry in list_cursor_entries(job_type, stream, ENTRIES_SHOWN)],
            "may_change": self._admin.has_change_permission(request),
        }
        return self._admin.draw(request, "portal/job_type_cursor.html", context)

    def rewind(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Ask, then do it; the entry is a number of the ledger, or the word start."""
        job_type = get_job_type(slug)
        given = request.POST if request.method == "POST" else request.GET
        stream, entry = _stream(job_type, given.get("stream")), given.get("entry", "")
        found = _entry(job_type, stream, entry)
        if request.method == "POST":
            reason = given.get("reason", "").replace("\0", "").strip()[:500]
            self._rewind(request, job_type, stream, found, reason)
            return redirect(f"{reverse('admin:job_type_cursor', args=[slug])}?{urlencode({'stream': stream})}")
        context = {"title": f"Set the cursor of {job_type} back", "type": job_type, "stream": stream, "entry": entry}
        context |= {"to": shown_value(found.new if found else None)}
        return self._admin.draw(request, "portal/job_type_rewind.html", context)

    def _rewind(
        self, request: HttpRequest, job_type: SyncJobType, stream: str, entry: StreamCursor | None, reason: str
    ) -> None:
        entry_id = None if entry is None else entry.pk
        try:
            added = rewind_cursor(job_type, stream, entry_id, actor=request.user.get_username(), reason=reason)
        except RewindRefused as refusal:
            refuse(request, refusal)
        else:
            tell(request, f"The cursor of {stream} is at {shown_value(added.new)}. The next run begins there.")


def _stream(job_type: SyncJobType, named: str | None) -> str:
    known = list_streams(job_type)
    stream = named if named is not None else next(iter(known), None)
    if stream not in known or stream is None:
        raise Http404(f"{job_type} has no stream that is read incrementally, or not this one.")
    return stream


def _entry(job_type: SyncJobType, stream: str, text: str) -> StreamCursor | None:
    """The entry of the ledger; None for the start."""
    if text == START:
        return None
    is_number = text.isascii() and text.isdecimal() and len(text) < 19
    entries = StreamCursor.objects.filter(job_type=job_type, stream=stream)
    found = entries.filter(pk=int(text)).first() if is_number else None
    if found is None:
        raise Http404("The ledger has no such entry.")
    return found


def _row(entry: StreamCursor) -> dict[str, object]:
    return {"entry": entry, "old": shown_value(entry.old), "new": shown_value(entry.new)}
