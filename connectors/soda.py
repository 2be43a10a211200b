"""Kind `soda`: reads datasets of Socrata portals by the SODA 2 or 3 protocol, page by page.

Protocol: https://dev.socrata.com/docs/endpoints and /docs/system-fields. Only reads; remembers nothing between jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.base import Capabilities, Connector
from connectors.checks import CheckStep
from connectors.columns import ColumnRows
from connectors.errors import ConfigError, DataError
from connectors.http import HttpSession
from connectors.http_answers import checked_url, port_of
from connectors.json_pages import Page, RecordShape
from connectors.network import check_literal
from connectors.paging import PageSize
from connectors.reading_ahead import PagesAhead, PagesInTurn
from connectors.records import Batch, Field, Filter, ReadRequest, StreamInfo, StreamSchema
from connectors.soda_checks import check_portal
from connectors.soda_paging import ID, Paging
from connectors.soda_portal import SodaPortal
from connectors.soda_settings import LARGEST_PAGE, PAGE, SPEC
from connectors.soql import (
    FLOATING_TYPES,
    Conditions,
    FloatingTimes,
    column_mismatch,
    field_type,
    quote_name,
)
from connectors.surroundings import Surroundings

MOST_COLUMNS = 5_000
ROUND_PAGE = 1_000  # a server that caps its pages does so at a multiple of this


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is known of a stream: its columns, and which of them hold times without a zone."""

    schema: StreamSchema
    floating: frozenset[str]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as the portal sent it, its records as rows, and what the reader had made of them."""

    page: Page
    rows: ColumnRows
    prepared: Any


class SodaConnector(Connector):
    """A Socrata portal and the datasets of it that have names here."""

    kind = "soda"
    label = "Socrata open data portal (SODA)"
    capabilities = Capabilities(writes=False, transactions=False, orders_by_key=False, reads_by_cursor=True)

    def __init__(
        self, slug: str, config: dict[str, Any], credentials: dict[str, str], surroundings: Surroundings | None = None
    ) -> None:
        super().__init__(slug, config, credentials, surroundings)
        self.base_url = str(config["base_url"]).rstrip("/")
        self.times = FloatingTimes(_zone(config.get("time_zone", "UTC")))
        self.portal = self._open_portal(self.surroundings)
        self._reading: PagesInTurn[Fetched] = PagesInTurn(self.surroundings)
        self._datasets: dict[str, Dataset] = {}

    @classmethod
    def spec(cls) -> dict[str, Any]:
        return SPEC

    @classmethod
    def check_config(cls, config: dict[str, Any]) -> None:
        parts = checked_url(config["base_url"])
        if parts.query or parts.fragment:
            raise ConfigError("bad_url", "base_url: the portal's address has no '?' and no '#'")
        check_literal(str(parts.hostname), port_of(parts))
        _zone(config.get("time_zone", "UTC"))

    @property
    def retries(self) -> int:
        """How often a request had to be repeated, but for those of pages that are read ahead."""
        return self.portal.http.retries

    def address(self) -> str:
        return self.base_url

    def check(self) -> Iterator[CheckStep]:
        portal = self._open_portal(self.surroundings, tries=1, deadline_seconds=30, waits_for_turns=False)
        try:
            yield from check_portal(portal, has_token="app_token" in self.credentials)
        finally:
            portal.http.close()

    def streams(self) -> list[StreamInfo]:
        datasets = self.config["datasets"].items()
        return [StreamInfo(name, f"{name} ({identifier})", kind="dataset") for name, identifier in datasets]

    def schema(self, stream: str) -> StreamSchema:
        return self._dataset(stream).schema

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        names = self._wanted_columns(request)
        floating = self._dataset(request.stream).floating.intersection(names)
        paging = Paging(self.portal.host, self._conditions(request.stream), request.cursor)
        conditions = paging.conditions.where(request.filters)
        size = PageSize(min(request.batch_size, self.config.get("page_size", PAGE), LARGEST_PAGE))
        asked = list(dict.fromkeys([*names, *paging.extra_columns]))
        shape, selected = RecordShape([ID, *asked]), [ID, *map(quote_name, asked)]
        parameters = {"$select": ",".join(selected), "$order": paging.order}

        def beyond(position: Any) -> dict[str, str]:
            where = _where_parameter(paging.beyond(position) + conditions)
            return parameters | {"$limit": str(size.records)} | where

        position = request.position

        def fetch(portal: SodaPortal, parameters: dict[str, str]) -> Fetched:
            page = portal.page(request.stream, shape, parameters)
            rows = self._rows(page, names, floating)
            return Fetched(page, rows, request.prepare(names, rows) if request.prepare and page.records else None)

        with self._pages(request) as (portal, pages):
            pages.begin(partial(fetch, portal, beyond(position)))
            while True:
                try:
                    fetched = pages.result()
                except DataError as error:
                    if not size.shrinks_for(error):
                        raise
                    self.surroundings.notify("INFO", f"{error.message}; asks for {size.records:,} records at a time")
                    pages.begin(partial(fetch, portal, beyond(position)))
                    continue
                page = fetched.page
                if not page.records:
                    return
                position = paging.next_position(page, position)
                highest = paging.highest(page)
                # A short page is the last one, unless it is short because the server caps its pages.
                is_last = page.records < size.records and page.records % ROUND_PAGE
                size.learn(page.records, page.byte_count)
                if not is_last:
                    pages.begin(partial(fetch, portal, beyond(position)))
                batch = Batch(
                    names,
                    fetched.rows,
                    position,
                    page.byte_count,
                    highest,
                    prepared=fetched.prepared,
                    next_comes_within=pages.comes_within,
                )
                del page, fetched  # of which nobody needs the rest
                yield batch
                if is_last:
                    return
                del batch  # before the next one comes

    def _rows(self, page: Page, names: Sequence[str], floating: frozenset[str]) -> ColumnRows:
        columns = page.columns | {name: self.times.localize(page.columns[name]) for name in floating}
        return ColumnRows([columns[name] for name in names], page.records)

    def count(self, stream: str, filters: tuple[Filter, ...] = ()) -> int:
        parameters = {"$select": "count(*)"} | _where_parameter(
            self._conditions(stream).where(filters) if filters else []
        )
        return self.portal.count(stream, parameters)

    def close(self) -> None:
        self._reading.close()
        self.portal.http.close()

    @contextmanager
    def _pages(self, request: ReadRequest) -> Iterator[tuple[SodaPortal, PagesInTurn[Fetched]]]:
        """Who fetches the pages, and when: ahead of their turn, unless turns are shared with others."""
        if not request.may_read_ahead or self.surroundings.turns is not None:
            yield self.portal, PagesInTurn(self.surroundings)
            return
        with PagesAhead[Fetched](self.surroundings) as pages:
            self._reading = pages  # ended by close, too, since nobody may be there to end this generator
            portal = self._open_portal(pages.surroundings)
            try:
                yield portal, pages
            finally:
                pages.close()
                portal.http.close()

    def _open_portal(self, surroundings: Surroundings, **options: Any) -> SodaPortal:
        """The portal behind a session with the app token; `options` as HttpSession takes them."""
        token = self.credentials.get("app_token")
        http = HttpSession(surroundings, secret_headers={"X-App-Token": token} if token else None, **options)
        version = int(self.config.get("api_version", "2"))
        return SodaPortal(self.slug, self.base_url, self.config["datasets"], http, version=version)

    def _wanted_columns(self, request: ReadRequest) -> tuple[str, ...]:
        schema = self.schema(request.stream)
        if request.columns is None:
            return schema.names
        missing = [name for name in request.columns if schema.get(name) is None]
        if missing:
            raise column_mismatch(request.stream, missing, schema.names)
        return request.columns

    def _conditions(self, stream: str) -> Conditions:
        dataset = self._dataset(stream)
        return Conditions(stream, dataset.schema.fields, dataset.floating, self.times)

    def _dataset(self, stream: str) -> Dataset:
        if stream not in self._datasets:
            columns = self.portal.columns(stream)
            if len(columns) > MOST_COLUMNS:
                raise DataError(
                    "too_many_columns",
                    f"{self.portal.host}: {stream} has {len(columns):,} columns; at most {MOST_COLUMNS:,} can be read",
                    hint="Publish a view of the dataset with fewer columns.",
                )
            self._datasets[stream] = _describe(columns)
        return self._datasets[stream]


def _describe(columns: Sequence[tuple[str, str]]) -> Dataset:
    """System fields and the regions Socrata computes by itself begin with a colon and are left out."""
    own = [(name, kind) for name, kind in columns if not name.startswith(":")]
    fields = tuple(Field(name, field_type(kind)) for name, kind in own)
    times = tuple(field.name for field in fields if field.type == "datetime")
    floating = frozenset(name for name, kind in own if kind in FLOATING_TYPES)
    return Dataset(StreamSchema(fields, cursor_candidates=times), floating)


def _where_parameter(conditions: Sequence[str]) -> dict[str, str]:
    return {"$where": " AND ".join(f"({condition})" for condition in conditions)} if conditions else {}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            "bad_time_zone", f"time_zone: {name[:60]!r} is not a time zone such as America/Chicago"
        ) from None
