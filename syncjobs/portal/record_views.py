"""The history of one record: a search form, and every job that had to do with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from syncjobs.models import SyncJobType
from syncjobs.operations.records import RecordSearch, Sighting, read_history
from syncjobs.operations.visible import visible_job_types
from syncjobs.portal.change_facts import FieldChange, field_change, key_as_text
from syncjobs.portal.pages import PortalAdmin
from syncjobs.portal.paging import read_id
from syncjobs.record_keys import LONGEST_KEY, UnreadableKey

SIGHTINGS_A_PAGE = 50
FIELDS_SHOWN = 20
WORDS = {"rejected": "rejected", "conflict": "left alone", "looked at": "looked at"}
VERBS = {"insert": "inserted", "update": "updated", "delete": "deleted"}


@dataclass(frozen=True, slots=True)
class SightingRow:
    """A sighting as shown: what the job did to the record, and the first of its fields, old and new."""

    sighting: Sighting
    what: str
    key: str
    fields: list[FieldChange]
    more: int


class RecordViews:
    """One page that goes by the permissions of jobs."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        return [self._admin.page("", self.record_history, "record_history")]

    def record_history(self, request: HttpRequest) -> HttpResponse:
        typed, place = request.GET.get("key", "").replace("\0", ""), request.GET.get("type", "")
        types = list(visible_job_types().only("slug", "name", "config").order_by("name"))
        context: dict[str, Any] = {
            "title": "Records",
            "places": [(one, _streams(one)) for one in types],
            "place": place,
            "typed": typed,
            "longest": LONGEST_KEY,
        }
        if typed.strip():
            context |= self._found(types, place, typed, read_id(request, "before"))
        status = 422 if context.get("problem") else 200
        return self._admin.draw(request, "portal/record_history.html", context, status=status)

    def _found(self, types: list[SyncJobType], place: str, typed: str, before: int | None) -> dict[str, Any]:
        slug, _, stream = place.partition("/")
        job_type = next((one for one in types if one.slug == slug), None)
        if slug and job_type is None:
            return {"problem": f"There is no job type '{slug[:100]}'."}
        try:
            history = read_history(RecordSearch(job_type, stream, typed), limit=SIGHTINGS_A_PAGE, before=before)
        except UnreadableKey as error:
            return {"problem": str(error)}
        query = {"type": place, "key": typed}
        return {
            "has_searched": True,
            "rows": [_row(one) for one in history.sightings],
            "first": f"?{urlencode(query)}" if before is not None else "",
            "older": f"?{urlencode(query | {'before': history.before})}" if history.before is not None else "",
        }


def record_query(slug: str, key: dict[str, Any]) -> str:
    """The query string that leads to the history of this record."""
    return urlencode({"type": slug, "key": json.dumps(key, ensure_ascii=False)})


def _streams(job_type: SyncJobType) -> list[str]:
    return [str(stream["source"]) for stream in job_type.config.get("streams") or [] if stream.get("source")]


def _row(sighting: Sighting) -> SightingRow:
    pairs = list(sighting.fields.items())
    shown, is_change = pairs[:FIELDS_SHOWN], sighting.kind == "changed"
    return SightingRow(
        sighting=sighting,
        what=VERBS.get(sighting.operation, "changed") if is_change else WORDS[sighting.kind],
        key=key_as_text(sighting.key) if sighting.key else "",
        fields=[field_change(name, pair, sighting.operation if is_change else "update") for name, pair in shown],
        more=len(pairs) - len(shown),
    )
