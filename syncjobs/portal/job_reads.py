"""What the jobs' pages read: lists with their filters, one job with everything round it. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import Http404, QueryDict

from syncjobs.models import Attempt, Change, JobBatch, JobEvent, JobLog, SyncJob
from syncjobs.operations.visible import newest_job_id, visible_job_types, visible_jobs
from syncjobs.portal.children_reads import Children
from syncjobs.portal.paging import LARGEST_ID, read_choice, read_text
from syncjobs.querysets import in_job
from syncjobs.statuses import Status

Jobs = QuerySet[SyncJob, SyncJob]
LATEST_CHANGES, MOST_RESTARTS = 10, 20
TITLES_SEARCHED = 100_000
LAST_LINES = timedelta(seconds=10)  # a worker writes its last lines just after the end
LEVELS = {
    "info": ("INFO", "WARNING", "ERROR", "FATAL", "CRITICAL"),
    "warning": ("WARNING", "ERROR", "FATAL", "CRITICAL"),
    "error": ("ERROR", "FATAL", "CRITICAL"),
}


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What a list of jobs is limited to, as it stands in the address; unknown words limit nothing."""

    status: str = ""
    job_type: str = ""
    dry_run: str = ""
    search: str = ""
    parent: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> JobFilter:
        parent = query.get("parent", "")
        return cls(
            status=read_choice(query, "status", set(Status)),
            job_type=read_text(query, "type"),
            dry_run=read_choice(query, "dry_run", ("yes", "no")),
            search=read_text(query, "q"),
            parent=parent if parent.isascii() and parent.isdigit() and len(parent) < 19 else "",
        )

    def __bool__(self) -> bool:
        return any((self.status, self.job_type, self.dry_run, self.search, self.parent))

    def apply(self, jobs: Jobs) -> Jobs:
        if self.status:
            jobs = jobs.filter(status=self.status)
        if self.job_type:
            jobs = jobs.filter(job_type__slug=self.job_type)
        if self.dry_run:
            jobs = jobs.filter(dry_run=self.dry_run == "yes")
        if self.parent:
            jobs = jobs.filter(parent_id=int(self.parent))
        return jobs.filter(_matches(self.search)) if self.search else jobs


def _matches(search: str) -> Q:
    """A number is a job's; other words are looked for in the titles of the newest jobs, so that it stays quick."""
    number = search.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < 20:
        return Q(pk=min(int(number), LARGEST_ID))
    newest = newest_job_id()
    return Q(title__icontains=search, pk__gt=newest - TITLES_SEARCHED)


def listed_jobs() -> Jobs:
    """Jobs with what a row of a list shows."""
    jobs = visible_jobs().for_lists().select_related("schedule__periodic_task", "triggered_by")
    return jobs.annotate(held_because=held_because())


def held_because() -> Case:
    """For a query of jobs: what a person has to decide about those that are held."""
    is_same = {"job": OuterRef("pk"), "new": Status.HELD.value}
    reasons = JobEvent.objects.filter(**is_same).order_by("-id").values("reason")[:1]
    return Case(When(status=Status.HELD.value, then=Subquery(reasons)), default=Value(""))


def last_reason(job: SyncJob) -> str:
    """Why the job is where it is, as its last move says."""
    reasons = JobEvent.objects.filter(job=job, new=job.status).order_by("-id").values_list("reason", flat=True)
    return reasons.first() or ""


def type_choices() -> list[tuple[str, str]]:
    return list(visible_job_types().order_by("name").values_list("slug", "name"))


def get_job(job_id: int) -> SyncJob:
    """The job with the rows its page names. Raises Http404."""
    found = visible_jobs().select_related("job_type", "type_version", "triggered_by", "schedule__periodic_task")
    job = found.filter(pk=job_id).first() if job_id <= LARGEST_ID else None
    if job is None:
        raise Http404(f"There is no job #{job_id}.")
    return job


def latest_attempt(job: SyncJob) -> Attempt | None:
    return Attempt.objects.filter(job=job).order_by("-number").first()


def is_changing(job: SyncJob, children: Children | None) -> bool:
    """Whether the page has to be looked at again: the job, or a child of it, may still change by itself."""
    return not job.is_final or (children is not None and children.open > 0)


def is_logging(job: SyncJob, now: datetime) -> bool:
    """Whether further lines may come."""
    return not job.is_final or (job.ended_at is not None and now - job.ended_at < LAST_LINES)


def latest_changes(job: SyncJob) -> list[Change]:
    return list(in_job(Change.objects.all(), job.pk, newest_first=True)[:LATEST_CHANGES])


def restarted_as(job: SyncJob) -> list[int]:
    """The jobs that were made anew from this one."""
    return list(visible_jobs().filter(restarted_from=job).order_by("id").values_list("pk", flat=True)[:MOST_RESTARTS])


def latest_events(job: SyncJob, number: int) -> list[JobEvent]:
    """The last moves, oldest first."""
    return list(JobEvent.objects.filter(job=job).order_by("-id")[:number])[::-1]


def latest_batch(job: SyncJob) -> JobBatch | None:
    return JobBatch.objects.filter(job=job, state=JobBatch.State.COMMITTED).order_by("-id").first()


def last_lines(job: SyncJob, number: int) -> list[JobLog]:
    """The newest lines, oldest first."""
    return list(in_job(JobLog.objects.all(), job.pk, newest_first=True)[:number])[::-1]


def why(job: SyncJob) -> str:
    """Beside a job in a list: what is the matter with it, else who asked for it."""
    return trouble(job) or asked_by(job)


def trouble(job: SyncJob) -> str:
    """What went wrong, what there is to decide, what it waits for, or why it was canceled; empty if nothing of it."""
    if job.failure and job.status in (Status.FAILED, Status.ERROR, Status.HELD):
        failure: dict[str, Any] = job.failure
        return f"{failure.get('class', '')}: {failure.get('message', '')}"
    if held_because := getattr(job, "held_because", ""):
        return str(held_because)
    return job.wait_reason or (job.cancel_reason if job.status == Status.CANCELED else "")


def asked_by(job: SyncJob) -> str:
    """The trigger and who or what stands behind it: "manual, anna", "scheduler, daily 02:08"."""
    trigger = job.get_trigger_type_display()
    if job.schedule is not None:
        return f"{trigger.lower()}, {job.schedule.periodic_task.name}"
    if job.triggered_by is not None:
        return f"{trigger if trigger.isupper() else trigger.lower()}, {job.triggered_by.get_username()}"
    return trigger if trigger.isupper() else trigger.lower()
