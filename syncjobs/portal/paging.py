"""Pages of long tables by id: each asks for one row more than it shows, so that nothing is ever counted."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict

from syncjobs.querysets import in_job

M = TypeVar("M", bound=Model)
LARGEST_ID = 2**63 - 1
MOST_PAGES = 10_000
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Rows in the order of the page; `earlier` and `later` are query strings of its neighbours, empty without one."""

    rows: Sequence[M]
    first: str
    previous: str
    next: str

    @property
    def has_neighbours(self) -> bool:
        return bool(self.previous or self.next)


def page_by_id(
    request: HttpRequest, rows: QuerySet[M, M], size: int, *, newest_first: bool, of_job: int | None = None
) -> Page[M]:
    """The page that `?from=<id>` or `?to=<id>` of the request asks for; anything else gives the first one.

    `from` is the id before the page's first row in reading order, `to` the one after its last. `of_job` limits the rows
    to that job's, for tables in which one job may have millions.
    """
    start, end = read_id(request, "from"), read_id(request, "to")
    forwards = end is None
    edge = start if forwards else end
    descending = newest_first if forwards else not newest_first
    if edge is not None:
        rows = rows.filter(pk__lt=edge) if descending else rows.filter(pk__gt=edge)
    ordered = rows.order_by("-pk" if descending else "pk")
    if of_job is not None:
        ordered = in_job(rows, of_job, newest_first=descending)
    found = list(ordered[: size + 1])
    has_more, shown = len(found) > size, found[:size]
    if not forwards:
        shown.reverse()
    has_previous = edge is not None if forwards else has_more
    has_next = has_more if forwards else True
    return Page(
        rows=shown,
        first=_query(request),
        previous=_query(request, to=shown[0].pk) if has_previous and shown else "",
        next=_query(request, **{"from": shown[-1].pk}) if has_next and shown else "",
    )


def page_by_number(request: HttpRequest, rows: Any, size: int) -> Page[Any]:
    """The page that `?page=<number>` asks for of what can be sliced and is short enough to be walked through."""
    number = min(max(read_id(request, "page") or 1, 1), MOST_PAGES)
    found = list(rows[(number - 1) * size : number * size + 1])
    return Page(
        rows=found[:size],
        first=_query(request),
        previous=_query(request, page=number - 1) if number > 1 else "",
        next=_query(request, page=number + 1) if len(found) > size else "",
    )


def read_id(request: HttpRequest | QueryDict, name: str) -> int | None:
    """A row's id from the query string; None for whatever else stands there."""
    query = request if isinstance(request, QueryDict) else request.GET
    text = query.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    return min(int(text), LARGEST_ID)


def read_text(query: QueryDict, name: str) -> str:
    """What somebody typed into the address, as databases take it: without NUL and outer blanks, and not endless."""
    return query.get(name, "").replace("\0", "").strip()[:LONGEST_TEXT]


def read_choice(query: QueryDict, name: str, choices: Container[str]) -> str:
    """One of the choices; empty for whatever else stands there."""
    text = read_text(query, name)
    return text if text in choices else ""


def _query(request: HttpRequest, **edges: Any) -> str:
    query = request.GET.copy()
    for name in ("from", "to", "page", "cursor"):
        query.pop(name, None)
    for name, value in edges.items():
        query[name] = str(value)
    return f"?{query.urlencode()}"
