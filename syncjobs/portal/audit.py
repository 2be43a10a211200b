"""The audit: who did what, when and by which door. Only shown; whoever may see it sees all of it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import URLPattern
from django.utils import timezone

from syncjobs.asking import Door
from syncjobs.models import AuditEvent
from syncjobs.operations.audit_reads import SEARCHED, AuditChoice, find_entries, list_changes
from syncjobs.portal.pages import PortalAdmin
from syncjobs.portal.paging import LARGEST_ID, page_by_id, read_choice, read_id, read_text

ENTRIES_A_PAGE = 50
CHANGES_SHOWN = 2
OBJECTS = ("job", "job_type", "connector", "schedule", "token", "user", "group", "chain", "webhook", "installation")
LATEST = date(9998, 12, 31)


class AuditAdmin(PortalAdmin):
    """Pages that go by the permission to view the audit; there is none to change it."""

    address = "audit"

    def pages(self) -> list[URLPattern]:
        return [
            self.page("", self.audit_list, "audit_list"),
            self.page("<int:entry_id>/", self.audit_entry, "audit_entry"),
        ]

    def audit_list(self, request: HttpRequest) -> HttpResponse:
        query, choice = request.GET, _read_choice(request.GET)
        page = page_by_id(request, find_entries(choice), ENTRIES_A_PAGE, newest_first=True)
        rows = [
            (entry, changes[:CHANGES_SHOWN], len(changes)) for entry in page.rows for changes in [list_changes(entry)]
        ]
        context = {
            "title": "Audit",
            "page": page,
            "rows": rows,
            "choice": choice,
            "is_filtered": choice != AuditChoice(),
            "since": _day_text(_read_day(query, "since")),
            "until": _day_text(_read_day(query, "until")),
            "doors": Door.choices(),
            "objects": [(kind, kind.replace("_", " ")) for kind in OBJECTS],
            "searched": SEARCHED,
        }
        return self.draw(request, "portal/audit_list.html", context)

    def audit_entry(self, request: HttpRequest, entry_id: int) -> HttpResponse:
        entry = AuditEvent.objects.filter(pk=min(entry_id, LARGEST_ID)).first()
        if entry is None:
            raise Http404(f"There is no entry {entry_id} in the audit.")
        context = {"title": f"Audit entry {entry.pk}", "entry": entry, "differences": list_changes(entry)}
        return self.draw(request, "portal/audit_entry.html", context)


def _read_choice(query: QueryDict) -> AuditChoice:
    """The filters of the address; what is no filter there is left out."""
    since, until = _read_day(query, "since"), _read_day(query, "until")
    return AuditChoice(
        who=read_text(query, "who"),
        verb=read_text(query, "verb"),
        door=read_choice(query, "door", dict(Door.choices())),
        object_type=read_text(query, "object"),
        object_id=read_id(query, "id"),
        since=_midnight(since) if since else None,
        until=_midnight(until + timedelta(days=1)) if until else None,
        text=read_text(query, "q"),
    )


def _read_day(query: QueryDict, name: str) -> date | None:
    try:
        day = date.fromisoformat(read_text(query, name))
    except ValueError:
        return None
    return min(max(day, date(1900, 1, 1)), LATEST)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _day_text(day: date | None) -> str:
    return day.isoformat() if day else ""
