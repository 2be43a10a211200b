"""Regions of a page that follow what happens: one template, drawn within its page or alone for htmx.

A region polls while it is live. Its cursor is the digest of what it shows, so an answer without news is empty. Where
few columns tell the state that it shows, that is its cursor, and an answer without news needs no drawing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from syncjobs.portal.shared_drawings import find_drawing, share_drawing

ALREADY_SHOWN = ("cursor", "log_after")
"""Parameters that tell what the browser has, rather than what is asked for."""


@dataclass(frozen=True, slots=True)
class Region:
    """An element by its id, the template of its inside, and whether it will change by itself.

    `state` changes whenever what is shown does; empty where only the drawing tells. `mark` is what else must be new for
    an answer to be news. What the fields at `includes` (a selector) hold is sent along. With `shared_as`, which names
    the thing that is shown, one drawing answers all who ask within a second.
    """

    name: str
    template: str
    is_live: bool
    every: str = "2s"
    state: str = ""
    mark: str = ""
    includes: str = ""
    shared_as: str = ""


def draw_region(request: HttpRequest, region: Region, context: Mapping[str, Any]) -> tuple[SafeString, str]:
    """The region's whole element and its cursor."""
    inside = render_to_string(region.template, dict(context), request=request)
    cursor = _cursor(region, region.state or inside)
    frame = {"region": region, "inside": inside, "cursor": cursor, "address": _address(request)}
    return render_to_string("portal/_region.html", frame), cursor


def answer_region(request: HttpRequest, region: Region, context: Mapping[str, Any]) -> HttpResponse:
    """The region alone; 204 where the browser already shows exactly that."""
    element, cursor = draw_region(request, region, context)
    if region.shared_as:
        drawn = (str(element), cursor)
        share_drawing(request, region.shared_as, region.name, _address(request), drawn=drawn)
    if request.GET.get("cursor") == cursor:
        return HttpResponse(status=204)
    return HttpResponse(element)


def shared_answer(request: HttpRequest, region: Region) -> HttpResponse | None:
    """What others were just shown, where that is news to this browser; None where the region has to be drawn."""
    if not (region.shared_as and is_asked_for(request, region)):
        return None
    element, cursor = find_drawing(request, region.shared_as, region.name, _address(request)) or ("", "")
    return HttpResponse(element) if element and cursor != request.GET.get("cursor") else None


def is_unchanged(request: HttpRequest, region: Region) -> bool:
    """Whether the browser shows the region's state already; then 204 is the answer, and nothing more need be read."""
    is_same = request.GET.get("cursor") == _cursor(region, region.state)
    return bool(region.state) and is_asked_for(request, region) and is_same


def _cursor(region: Region, shown: str) -> str:
    return hashlib.sha256(f"{region.is_live}{region.mark}{shown}".encode()).hexdigest()[:16]


def is_asked_for(request: HttpRequest, region: Region) -> bool:
    """Whether htmx asks for this region rather than a browser for its page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Target") == region.name


def _address(request: HttpRequest) -> str:
    query = request.GET.copy()
    for name in ALREADY_SHOWN:
        query.pop(name, None)
    return f"{request.path}?{query.urlencode()}" if query else request.path
