"""A job's log: by level and search, followed line by line while the job writes, and as a text file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils import timezone

from syncjobs.models import JobLog, SyncJob
from syncjobs.portal import job_reads
from syncjobs.portal.children_reads import children_of
from syncjobs.portal.job_frames import draw_tab
from syncjobs.portal.job_news import read_log_state
from syncjobs.portal.pages import PortalAdmin
from syncjobs.portal.paging import LONGEST_TEXT, page_by_id, read_choice, read_id, read_text
from syncjobs.portal.shared_drawings import find_drawing, share_drawing
from syncjobs.querysets import in_job

LINES_A_PAGE, MOST_NEW_LINES = 500, 1_000
Lines = QuerySet[JobLog, JobLog]


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What a log is limited to, as it stands in the address; unknown levels limit nothing."""

    level: str = ""
    search: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> LogFilter:
        return cls(read_choice(query, "level", job_reads.LEVELS), read_text(query, "q"))

    @property
    def query(self) -> str:
        """As a query string; empty where it limits nothing."""
        return urlencode({name: value for name, value in (("level", self.level), ("q", self.search)) if value})

    def apply(self, lines: Lines) -> Lines:
        if self.level:
            lines = lines.filter(level__in=job_reads.LEVELS[self.level])
        return lines.filter(message__icontains=self.search) if self.search else lines


@dataclass(frozen=True, slots=True)
class LogTail:
    """What a browser has of a log: its filter, and its last line.

    While the job may change, its page's live region brings the lines (`was_told`); afterwards the tail asks for them.
    """

    wanted: LogFilter
    after: int
    was_told: bool
    beside: bool = False
    """Whether it comes along with another element, to which htmx gives the answer."""


def draw_tail(request: HttpRequest, job_id: int, token: str, news: str, tail: LogTail) -> str:
    """The lines since, and the new tail; empty for nothing. One drawing answers all who ask within a second.

    `token` names the job, and `news` is another one whenever there are more lines.
    """
    drawn = find_drawing(request, token, repr(tail), news) if token else None
    if drawn is None:
        drawn = _drawn(request, job_reads.get_job(job_id), tail)
        if token:
            share_drawing(request, token, repr(tail), news, drawn=drawn)
    return str(drawn)


def _drawn(request: HttpRequest, job: SyncJob, tail: LogTail) -> str:
    lines = tail.wanted.apply(JobLog.objects.filter(pk__gt=tail.after))
    new = list(in_job(lines, job.pk, newest_first=False)[:MOST_NEW_LINES])
    follows = job_reads.is_logging(job, timezone.now())
    is_told = tail.was_told and job_reads.is_changing(job, children_of(job))
    if follows and not new and is_told == tail.was_told:
        return ""
    last = new[-1].pk if new else tail.after
    context = {"job": job, "lines": new, "wanted": tail.wanted, "follows": follows, "last_line_id": last}
    context |= {"is_told": is_told, "beside": tail.beside}
    return str(render_to_string("portal/_log_lines.html", context, request=request))


class JobLogViews:
    """The pages of the log, for the jobs' admin class to put among its pages."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        return [
            self._admin.page("<int:job_id>/log/", self.job_log, "job_log"),
            self._admin.page("<int:job_id>/log/download/", self.job_log_download, "job_log_download"),
        ]

    def job_log(self, request: HttpRequest, job_id: int) -> HttpResponse:
        after = read_id(request, "after")
        if after is not None:
            return self._follow(request, job_id, after)
        job, wanted = job_reads.get_job(job_id), LogFilter.from_query(request.GET)
        lines = wanted.apply(JobLog.objects.all())
        page = page_by_id(request, lines, LINES_A_PAGE, newest_first=True, of_job=job.pk)
        shown = list(page.rows)[::-1]
        context = {
            "tab": "log",
            "page": page,
            "lines": shown,
            "wanted": wanted,
            "levels": job_reads.LEVELS,
            "longest": LONGEST_TEXT,
            "last_line_id": shown[-1].pk if shown else 0,
            "follows": not page.previous and job_reads.is_logging(job, timezone.now()),
        }
        return draw_tab(self._admin, request, job, "portal/job_log.html", context)

    def _follow(self, request: HttpRequest, job_id: int, after: int) -> HttpResponse:
        """What the job wrote since that line; 204 for nothing. One drawing answers all who ask within a second."""
        log = read_log_state(job_id)
        if log.is_started and log.last_line <= after:
            return HttpResponse(status=204)
        tail = LogTail(LogFilter.from_query(request.GET), after, was_told="told" in request.GET)
        drawn = draw_tail(request, job_id, log.token, str(log), tail)
        return HttpResponse(drawn, status=200 if drawn else 204)

    def job_log_download(self, request: HttpRequest, job_id: int) -> StreamingHttpResponse:
        job = job_reads.get_job(job_id)
        lines = in_job(LogFilter.from_query(request.GET).apply(JobLog.objects.all()), job.pk, newest_first=False)
        found = lines.iterator(chunk_size=500)
        response = StreamingHttpResponse(_plain_lines(found), content_type="text/plain; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="job-{job.pk}.log"'
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _plain_lines(lines: Iterator[JobLog]) -> Iterator[str]:
    for line in lines:
        yield f"{line.created_at.isoformat(timespec='milliseconds')} {line.level:<7} {line.message}\n"
