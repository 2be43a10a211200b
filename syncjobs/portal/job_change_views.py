"""What a job changed: its changes by operation or key, one of them whole, and conflicts. Nothing here is counted."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern

from syncjobs.fingerprints import key_hash
from syncjobs.models import Change, Conflict, SyncJob
from syncjobs.portal import job_reads
from syncjobs.portal.change_facts import change_row
from syncjobs.portal.csv_downloads import csv_download, in_steps
from syncjobs.portal.job_frames import draw_tab
from syncjobs.portal.pages import PortalAdmin
from syncjobs.portal.paging import LARGEST_ID, page_by_id
from syncjobs.portal.plan_facts import conflict_row
from syncjobs.portal.record_views import record_query
from syncjobs.querysets import in_job
from syncjobs.record_keys import LONGEST_KEY, KeyNames, UnreadableKey, readings_of

CHANGES_A_PAGE, FIELDS_IN_LIST, CHANGES_LEARNT_FROM = 100, 30, 20
CHANGE_HEADER = ("stream", "operation", "key", "field", "old", "new")
CHANGE_OPERATIONS = ("insert", "update", "delete")


class JobChangeViews:
    """The pages of changes, for the jobs' admin class to put among its pages."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page, one = self._admin.page, "<int:job_id>/"
        return [
            page(f"{one}changes/", self.job_changes, "job_changes"),
            page(f"{one}changes/download/", self.job_changes_download, "job_changes_download"),
            page(f"{one}changes/<int:change_id>/", self.job_change, "job_change"),
            page(f"{one}conflicts/", self.job_conflicts, "job_conflicts"),
        ]

    def job_changes(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        operation, key = _asked(request)
        changes, problem = _chosen(job, operation, key)
        page = page_by_id(request, changes, CHANGES_A_PAGE, newest_first=False, of_job=job.pk)
        context = {
            "tab": "changes",
            "page": page,
            "rows": [change_row(change, FIELDS_IN_LIST) for change in page.rows],
            "operation": operation,
            "operations": CHANGE_OPERATIONS,
            "key": key,
            "problem": problem,
            "longest": LONGEST_KEY,
        }
        return draw_tab(self._admin, request, job, "portal/job_changes.html", context)

    def job_changes_download(self, request: HttpRequest, job_id: int) -> StreamingHttpResponse:
        """The same changes, a line for each field; `raw` leaves every value as it is."""
        job = job_reads.get_job(job_id)
        changes, _ = _chosen(job, *_asked(request))
        fields = (
            (change.stream, change.operation, change.key, name, *values)
            for change in in_steps(in_job(changes, job.pk, newest_first=False))
            for name, values in (change.fields or {"": [None, None]}).items()
        )
        return csv_download(f"job-{job.pk}-changes", CHANGE_HEADER, fields, is_raw="raw" in request.GET)

    def job_change(self, request: HttpRequest, job_id: int, change_id: int) -> HttpResponse:
        """One record's change with every field and the whole of each value."""
        job = job_reads.get_job(job_id)
        change = Change.objects.filter(job=job, pk=min(change_id, LARGEST_ID)).first()
        if change is None:
            raise Http404(f"Job #{job_id} has no such change.")
        context = {
            "tab": "changes",
            "row": change_row(change, None, whole=True),
            "history": record_query(job.job_type.slug, change.key) if isinstance(change.key, dict) else "",
        }
        return draw_tab(self._admin, request, job, "portal/job_change.html", context)

    def job_conflicts(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        page = page_by_id(request, Conflict.objects.filter(job=job), CHANGES_A_PAGE, newest_first=False)
        rows = [conflict_row(conflict, FIELDS_IN_LIST) for conflict in page.rows]
        context = {"tab": "conflicts", "page": page, "rows": rows}
        return draw_tab(self._admin, request, job, "portal/job_conflicts.html", context)


def _asked(request: HttpRequest) -> tuple[str, str]:
    """The operation and the key that the address limits changes to; each may be empty."""
    operation, key = request.GET.get("operation", ""), request.GET.get("key", "").replace("\0", "").strip()
    return operation if operation in CHANGE_OPERATIONS else "", key


def _chosen(job: SyncJob, operation: str, key: str) -> tuple[QuerySet[Change, Change], str]:
    changes = Change.objects.filter(operation=operation) if operation else Change.objects.all()
    return _of_key(changes, job, key) if key else (changes, "")


def _of_key(changes: QuerySet[Change, Change], job: SyncJob, text: str) -> tuple[QuerySet[Change, Change], str]:
    """Those of the record that the text may name, by the index of hashes; else none, and what is wrong."""
    try:
        keys = readings_of(text, set(_names_in(job)))
    except UnreadableKey as error:
        return changes.none(), str(error)
    return changes.filter(key_hash__in=[key_hash(key) for key in keys]), ""


def _names_in(job: SyncJob) -> Iterator[KeyNames]:
    """The names of the keys of this job's changes, as its configuration and its first changes have them."""
    for stream in job.config_snapshot.get("config", {}).get("streams") or []:
        if stream.get("key"):
            yield tuple(stream["key"])
    first = in_job(Change.objects.all(), job.pk, newest_first=False)
    for key in first.values_list("key", flat=True)[:CHANGES_LEARNT_FROM]:
        if isinstance(key, dict) and key:
            yield tuple(key)
