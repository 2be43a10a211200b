"""Reads the pages of a REST stream one after another, and notices answers that are none. Judges no values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connectors.errors import ConfigError
from connectors.http import HttpSession
from connectors.http_answers import host_of, snippet
from connectors.http_redirects import is_same_origin
from connectors.json_paths import MISSING, value_at
from connectors.paging import LoopGuard
from connectors.redaction import redact
from connectors.rest_paging import END, RestPage, first_place, next_place, question
from connectors.rest_streams import RestStream

MOST_EMPTY_PAGES = 1_000  # in a row
ERROR_NAMES = ("error", "errors")


def mark_of(record: Mapping[str, Any]) -> str:
    """What tells whether a record is still the same."""
    return hashlib.blake2b(msgspec.json.encode(record, order="deterministic"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Standing:
    """A page and where it stands: how many of its records were read before, and what comes after it."""

    page: RestPage
    place: Any
    next: Any
    skipped: int

    def position_after(self, size: int, records: int) -> Any:
        """Where to go on after so many of its records; None where that may not be kept, since it holds a secret."""
        count = len(self.page.records)
        if records < count or self.next is END:
            found = {"at": self.place, "size": size, "skip": records, "last": mark_of(self.page.records[records - 1])}
        else:
            found = {"at": self.next, "size": size, "skip": 0, "last": None}
        return None if redact(str(found["at"])) != str(found["at"]) else found


@dataclass
class PageReader:
    """The pages of one request; `parameters` are those that do not turn the page."""

    http: HttpSession
    base_url: str
    stream: RestStream
    parameters: Mapping[str, str]
    contents: LoopGuard = field(default_factory=LoopGuard)
    places: LoopGuard = field(default_factory=LoopGuard)

    def pages(self, position: Any = None) -> Iterator[Standing]:
        """From a position on. Raises ConfigError `protocol`, `bad_position`, `source_changed`, and what asking does."""
        place, skip, mark = self._begin(position)
        records = empty = 0
        while True:
            page = self.page(place, may_end=position is not None or records > 0)
            if page is None:
                return
            upcoming = next_place(self.stream.paging, place, page)
            self._guard(page, upcoming)
            records += len(page.records)
            empty = 0 if page.records else empty + 1
            if empty > MOST_EMPTY_PAGES:
                raise self._strange(f"sent {MOST_EMPTY_PAGES:,} empty pages in a row")
            if skip:
                self._check_mark(page, skip, mark)
            yield Standing(page, place, upcoming, skip)
            if upcoming is END:
                self._check_total(page, records if position is None else None)
                return
            place, skip = upcoming, 0

    def page(self, place: Any, *, may_end: bool = False) -> RestPage | None:
        """The page at a place; None where the server says by 404 that it has none."""
        paging = self.stream.paging
        url = f"{self.base_url}/{self.stream.path.lstrip('/')}"
        asked, turning = question(paging, url, place)
        parameters = None if turning is None else {**self.stream.parameters, **self.parameters, **turning}
        try:
            value, answer = self.http.get_json(asked, parameters)
        except ConfigError as error:
            if error.code == "not_found" and paging.ends_with_404 and may_end:
                return None
            raise
        return RestPage(answer.url, value, answer.headers, self._records(value, answer.body), len(answer.body))

    def total(self, page: RestPage) -> int | None:
        """How many records the server says that there are."""
        total = value_at(page.value, self.stream.paging.total) if self.stream.paging.total else None
        return int(total) if isinstance(total, int | str) and str(total).isdigit() else None

    def _records(self, value: Any, body: bytes | bytearray) -> list[dict[str, Any]]:
        """An error that is told with status 200 is never an empty stream."""
        if isinstance(value, dict) and any(value.get(name) for name in ERROR_NAMES):
            raise self._strange(f"answered with an error: {snippet(body)}")
        found = value_at(value, self.stream.records, MISSING)
        if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
            where = f"at '{self.stream.records}'" if self.stream.records else "in its answer"
            raise self._strange(f"has no list of records {where}: {snippet(body)}")
        return found

    def _begin(self, position: Any) -> tuple[Any, int, str | None]:
        paging = self.stream.paging
        if position is None:
            return first_place(paging), 0, None
        if not isinstance(position, dict) or position.keys() != {"at", "size", "skip", "last"}:
            raise bad_position(self.stream.name)
        if position["size"] != paging.size:
            raise bad_position(self.stream.name, "the size of its pages was another then")
        if paging.kind in ("link", "next_url") and position["at"] and not is_same_origin(self.base_url, position["at"]):
            raise bad_position(self.stream.name, "the connector's address was another then")
        return position["at"], int(position["skip"]), position["last"]

    def _check_mark(self, page: RestPage, skip: int, mark: str | None) -> None:
        if len(page.records) < skip or mark_of(page.records[skip - 1]) != mark:
            raise ConfigError(
                "source_changed",
                f"{self.stream.name} has changed at the place where this job stopped reading",
                hint="Restart the job, so that it reads from the beginning.",
            )

    def _guard(self, page: RestPage, upcoming: Any) -> None:
        content = hashlib.blake2b(msgspec.json.encode(page.records)).digest() if page.records else None
        if content is not None and self.contents.comes_back_to(content):
            raise self._strange("sent the same page twice; perhaps it does not heed the parameter of its pages")
        if upcoming is not END and self.places.comes_back_to(upcoming):
            raise self._strange("leads in a circle from page to page")

    def _check_total(self, page: RestPage, records: int | None) -> None:
        total = self.total(page)
        if records is not None and total is not None and records < total:
            raise self._strange(f"told of {total:,} records and sent {records:,}")

    def _strange(self, what: str) -> ConfigError:
        return ConfigError(
            "protocol",
            f"{host_of(self.base_url)} {what} ({self.stream.name})",
            hint="Check the stream's path, its path to the records and the settings of its pages.",
        )


def bad_position(stream: str, why: str = "it is of another way of reading") -> ConfigError:
    """The error for a position that is of no use any more."""
    return ConfigError(
        "bad_position",
        f"{stream}: the stored position can not be used, since {why}",
        hint="Restart the job, so that it reads from the beginning.",
    )
