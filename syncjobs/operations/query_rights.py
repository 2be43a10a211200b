"""Who may write custom queries: that needs a permission of its own, since a query is code that the source runs."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from syncjobs.models import SyncJobType

SQL_EDIT = "syncjobs.sql_edit"
SENTENCE = (
    "Custom queries can only be added, changed or pointed at another source by somebody with the permission"
    " 'Can write custom queries'"
)


class QueryRefused(ValidationError):
    """The person may not write this query, whatever else they may."""


def may_edit_sql(user: User | None) -> bool:
    """Whether a person may; commands run as the system's operator (None), who may."""
    return user is None or user.has_perm(SQL_EDIT)


def has_queries(job_type: SyncJobType) -> bool:
    """Whether any stream of the type is read by a custom query."""
    return bool(_queries(job_type))


def check_query_right(job_type: SyncJobType, user: User | None) -> None:
    """Raise QueryRefused on `config` where a type that is to be saved has a query that the person may not write."""
    if may_edit_sql(user):
        return
    stored = SyncJobType.objects.filter(pk=job_type.pk).first() if job_type.pk else None
    kept = [] if stored is None else _queries(stored)
    for number, query in _queries(job_type):
        if query not in [known for _, known in kept]:
            raise QueryRefused({"config": f"streams[{number}].query: {SENTENCE}. Put it back as it was, or ask them."})


def _queries(job_type: SyncJobType) -> list[tuple[int, tuple[Any, ...]]]:
    """(number of the stream, what would be run where), of a config that may be anything."""
    streams = job_type.config.get("streams") if isinstance(job_type.config, dict) else None
    return [
        (number, (job_type.source_connector_id, data["query"]))
        for number, data in enumerate(streams if isinstance(streams, list) else [])
        if isinstance(data, dict) and data.get("query") is not None
    ]
