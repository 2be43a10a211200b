"""The rejects workbench: open rejects by reason, the records behind a reason, one record. What is done is beside."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern

from syncjobs.models import Reject
from syncjobs.operations.visible import visible_rejects
from syncjobs.portal import reject_reads
from syncjobs.portal.change_facts import Value, field_value, key_as_text
from syncjobs.portal.csv_downloads import csv_download, in_steps
from syncjobs.portal.pages import PortalAdmin
from syncjobs.portal.paging import LARGEST_ID, page_by_id
from syncjobs.portal.record_views import record_query
from syncjobs.portal.reject_action_views import RejectActionViews
from syncjobs.portal.reject_reads import RejectChoice

RECORDS_A_PAGE = 50
REJECT_HEADER = ("job_type", "job", "stream", "key", "field", "code", "message", "state")


class RejectViews:
    """Pages that go by the permissions of jobs."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page = self._admin.page
        return [
            page("", self.reject_list, "reject_list"),
            page("records/", self.reject_records, "reject_records"),
            page("records/download/", self.reject_records_download, "reject_records_download"),
            page("<int:reject_id>/", self.reject_page, "reject_page"),
            *RejectActionViews(self._admin).pages(),
        ]

    def reject_list(self, request: HttpRequest) -> HttpResponse:
        choice = RejectChoice.from_query(request.GET)
        context = {
            "title": "Rejects",
            "choice": choice,
            "reasons": reject_reads.reasons_of(choice),
            "types": reject_reads.type_choices(),
            "states": reject_reads.STATES,
            "most_grouped": reject_reads.MOST_GROUPED,
            "may_act": self._admin.has_change_permission(request),
        }
        return self._admin.draw(request, "portal/reject_list.html", context)

    def reject_records(self, request: HttpRequest) -> HttpResponse:
        choice = RejectChoice.from_query(request.GET)
        rejects = choice.apply().select_related("job_type").defer("record")
        page = page_by_id(request, rejects, RECORDS_A_PAGE, newest_first=True)
        context = {
            "title": "Rejects",
            "choice": choice,
            "page": page,
            "rows": [(reject, key_as_text(reject.key) if reject.key else "") for reject in page.rows],
            "sample": page.rows[0] if page.rows and choice.reason else None,
            "states": reject_reads.STATES,
            "may_act": self._admin.has_change_permission(request),
        }
        return self._admin.draw(request, "portal/reject_records.html", context)

    def reject_records_download(self, request: HttpRequest) -> StreamingHttpResponse:
        """The same rejects, without their records; `raw` leaves every value as it is."""
        rejects = RejectChoice.from_query(request.GET).apply().select_related("job_type").defer("record").order_by("pk")
        lines = (
            (one.job_type.slug, one.job_id, one.stream, one.key, one.field, one.code, one.message, one.state)
            for one in in_steps(rejects)
        )
        return csv_download("rejects", REJECT_HEADER, lines, is_raw="raw" in request.GET)

    def reject_page(self, request: HttpRequest, reject_id: int) -> HttpResponse:
        found = visible_rejects().settled().select_related("job_type", "job__job_type", "closed_by_job")
        reject = found.filter(pk=min(reject_id, LARGEST_ID)).first()
        if reject is None:
            raise Http404(f"There is no reject {reject_id}.")
        context = {
            "title": f"Reject {reject.pk}",
            "reject": reject,
            "key": key_as_text(reject.key) if reject.key else "",
            "values": _values(reject),
            "alike": RejectChoice(job_type=reject.job_type.slug, stream=reject.stream, reason=reject.fingerprint),
            "history": record_query(reject.job_type.slug, reject.key) if reject.key else "",
            "may_act": self._admin.has_change_permission(request) and not reject.job.dry_run,
        }
        return self._admin.draw(request, "portal/reject_page.html", context)


def _values(reject: Reject) -> list[tuple[str, Value]]:
    """The source record as it is kept; masked fields were masked before."""
    return [(name, field_value(value)) for name, value in reject.values.items()]
