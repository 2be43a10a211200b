"""Answers that many addresses give, and what most of them need."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.permissions import Needs
from syncjobs.api.views import person
from syncjobs.api.visible import find_job
from syncjobs.models import SyncJob
from syncjobs.operations.full_descriptions import describe_in_full
from syncjobs.scopes import CONFIG_READ, CONFIG_WRITE, RUNS_READ, RUNS_WRITE

SEES_JOBS = ("syncjobs.view_syncjob", "syncjobs.change_syncjob")
READ_RUNS = Needs(RUNS_READ, SEES_JOBS)
WRITE_RUNS = Needs(RUNS_WRITE, ("syncjobs.change_syncjob",))
DELETE_RUNS = Needs(RUNS_WRITE, ("syncjobs.delete_syncjob",))
APPROVE_RUNS = Needs(RUNS_WRITE, ("syncjobs.approve_syncjob",))


def read_config(model: str) -> Needs:
    """To see rows of a model such as "syncjobs.schedule"."""
    app, name = model.split(".")
    return Needs(CONFIG_READ, (f"{app}.view_{name}", f"{app}.change_{name}"))


def write_config(model: str, right: str = "change") -> Needs:
    """To add, change or delete rows of a model."""
    app, name = model.split(".")
    return Needs(CONFIG_WRITE, (f"{app}.{right}_{name}",))


def answer_job(request: Request, job: SyncJob, *, status: int = 202) -> Response:
    """The job as it is now, and where it lies."""
    place = request.build_absolute_uri(f"/api/v1/jobs/{job.pk}/")
    return Response(describe_in_full(find_job(person(request), job.pk)), status=status, headers={"Location": place})
