"""What the person behind a request may see: the one place where the grants of connectors limit rows.

What hangs on a connector that somebody may not see is not there for them. The middleware says whose request it is;
programs such as commands and workers are nobody's request and see everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, reduce
from operator import or_
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from connectors.models import Connector
from syncjobs.models import Change, Conflict, Reject, Schedule, SyncJob, SyncJobType
from syncjobs.models.rejects import RejectQuerySet
from syncjobs.querysets import JobQuerySet

SEES_ALL = "connectors.grant_connector"
Connectors = QuerySet[Connector, Connector]
JobTypes = QuerySet[SyncJobType, SyncJobType]


class Viewer:
    """Somebody who looks at rows. What is hidden from them is asked for once, when it is first needed."""

    def __init__(self, user: Callable[[], User | AnonymousUser]) -> None:
        self._user = user

    @cached_property
    def hidden_connectors(self) -> dict[int, str]:
        """{id: slug} of those that are granted to others only."""
        user = self._user()
        if user.has_perm(SEES_ALL):
            return {}
        hidden = Connector.objects.filter(grants__isnull=False).exclude(grants__group__in=user.groups.all())
        return dict(hidden.order_by("pk").distinct().values_list("pk", "slug"))

    @cached_property
    def job_types(self) -> frozenset[int] | None:
        """The types that do not hang on a hidden connector; None where nothing is hidden, so that nothing is asked."""
        if not self.hidden_connectors:
            return None
        return frozenset(SyncJobType.objects.exclude(_hangs_on(self.hidden_connectors)).values_list("pk", flat=True))


def _hangs_on(connectors: dict[int, str]) -> Q:
    sides = Q(source_connector__in=connectors) | Q(target_connector__in=connectors)
    places = [f"{side}_document_type__startswith" for side in ("source", "target")]
    return reduce(or_, (Q(**{place: f"{slug}/"}) for place in places for slug in connectors.values()), sides)


_viewer: ContextVar[Viewer | None] = ContextVar("viewer", default=None)


@contextmanager
def seen_by(viewer: Viewer) -> Iterator[None]:
    """Within it all reads below are that person's."""
    token = _viewer.set(viewer)
    try:
        yield
    finally:
        _viewer.reset(token)


def hidden_connectors() -> dict[int, str]:
    """{id: slug} of the connectors that are not there for whoever looks."""
    viewer = _viewer.get()
    return viewer.hidden_connectors if viewer else {}


def sees_job_type(job_type_id: int) -> bool:
    types = _types()
    return types is None or job_type_id in types


def _types() -> frozenset[int] | None:
    viewer = _viewer.get()
    return viewer.job_types if viewer else None


def _limit(lookup: str) -> dict[str, Any]:
    types = _types()
    return {} if types is None else {f"{lookup}__in": sorted(types)}


def visible_connectors() -> Connectors:
    hidden = hidden_connectors()
    return Connector.objects.exclude(pk__in=hidden) if hidden else Connector.objects.all()


def visible_job_types() -> JobTypes:
    return SyncJobType.objects.filter(**_limit("pk"))


def visible_jobs() -> JobQuerySet:
    return SyncJob.objects.filter(**_limit("job_type"))


def visible_schedules() -> QuerySet[Schedule, Schedule]:
    return Schedule.objects.filter(**_limit("job_type"))


def visible_rejects() -> RejectQuerySet:
    return Reject.objects.filter(**_limit("job_type"))


def visible_changes() -> QuerySet[Change, Change]:
    return Change.objects.filter(**_limit("job__job_type"))


def visible_conflicts() -> QuerySet[Conflict, Conflict]:
    return Conflict.objects.filter(**_limit("job__job_type"))


def hidden_document_type(*document_types: object) -> str:
    """The first of them that belongs to a hidden connector; empty if none does."""
    hidden = set(hidden_connectors().values())
    return next((str(one) for one in document_types if one and str(one).partition("/")[0] in hidden), "")


def check_connectors(job_type: SyncJobType) -> None:
    """Raise ValidationError, in the words for one that is missing, where a type names a connector that is hidden."""
    hidden = hidden_connectors()
    for side in ("source", "target"):
        if (connector := getattr(job_type, f"{side}_connector_id")) in hidden:
            raise ValidationError({f"{side}_connector": f"There is no connector '{hidden[connector]}'."})
        if place := hidden_document_type(getattr(job_type, f"{side}_document_type")):
            raise ValidationError({f"{side}_document_type": f"There is no connector for the documents '{place}'."})


def newest_job_id() -> int:
    """Of all jobs, since it only bounds how far back is looked."""
    return SyncJob.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
