"""Kind `rest`: reads lists of JSON records from services over HTTP, as the connector's settings describe them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from connectors.base import Capabilities, Connector
from connectors.checks import CheckStep
from connectors.errors import ConfigError, DataError
from connectors.files_filters import chosen
from connectors.http import HttpSession
from connectors.http_answers import checked_url, port_of
from connectors.http_checks import check_server
from connectors.http_tokens import Client, Tokens, TokenSession, basic_login
from connectors.network import check_literal
from connectors.records import Batch, Filter, ReadRequest, StreamInfo, StreamSchema
from connectors.rest_cursors import read_by_cursor
from connectors.rest_paging import first_place
from connectors.rest_reading import PageReader, Standing
from connectors.rest_settings import SPEC
from connectors.rest_streams import RestStream, check_streams, stream_of
from connectors.selecting import Selection
from connectors.surroundings import Surroundings

NEEDED = {"basic": ("user",), "header": ("header",), "oauth2": ("token_url", "client_id")}


class RestConnector(Connector):
    """A service that answers with JSON, and the lists of it that have names here."""

    kind = "rest"
    label = "REST service (JSON over HTTP)"
    capabilities = Capabilities(writes=False, transactions=False, orders_by_key=False, reads_by_cursor=True)

    def __init__(
        self, slug: str, config: dict[str, Any], credentials: dict[str, str], surroundings: Surroundings | None = None
    ) -> None:
        super().__init__(slug, config, credentials, surroundings)
        self.base_url = str(config["base_url"]).rstrip("/")
        self.http = self._open_session()
        self._streams = {one["name"]: stream_of(one) for one in config["streams"]}
        self._schemas: dict[str, StreamSchema] = {}

    @classmethod
    def spec(cls) -> dict[str, Any]:
        return SPEC

    @classmethod
    def check_config(cls, config: dict[str, Any]) -> None:
        auth = config.get("auth", {})
        for name in NEEDED.get(auth.get("kind", "none"), ()):
            if not auth.get(name):
                raise ConfigError("bad_settings", f"auth: a login by {auth['kind']} wants the setting '{name}'")
        check_streams(config["streams"])
        for name, url in (("base_url", config["base_url"]), ("auth: token_url", auth.get("token_url"))):
            if not url:
                continue
            parts = checked_url(url)
            if parts.fragment or (parts.query and name == "base_url"):
                raise ConfigError("bad_url", f"{name}: the address has no '?' and no '#'")
            check_literal(str(parts.hostname), port_of(parts))

    @property
    def retries(self) -> int:
        """How often a request had to be repeated."""
        return self.http.retries

    def address(self) -> str:
        return self.base_url

    def check(self) -> Iterator[CheckStep]:
        http = self._open_session(tries=1, deadline_seconds=30, waits_for_turns=False)

        def read_one(stream: str) -> int:
            page = self._reader(stream, http).page(first_place(self._stream(stream).paging))
            return len(page.records) if page else 0

        kind = self.config.get("auth", {}).get("kind", "none")
        logged_in = CheckStep("log in", True, 0.0, "no login" if kind == "none" else f"login by {kind} accepted")
        try:
            yield from check_server(http, self.base_url, list(self._streams), read_one, logged_in)
        finally:
            http.close()

    def streams(self) -> list[StreamInfo]:
        return [StreamInfo(one.name, f"{one.name} ({one.path})", kind="list") for one in self._streams.values()]

    def schema(self, stream: str) -> StreamSchema:
        if stream not in self._schemas:
            self._schemas[stream] = self._looked_at(self._stream(stream))
        return self._schemas[stream]

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        schema, cursor = self.schema(request.stream), request.cursor
        selection = Selection(request, schema)
        if cursor is None:
            yield from self._batches(request, selection, schema)
            return
        (place,) = chosen(request.stream, [cursor.field], schema.fields)
        records = self._records(request, selection, schema)
        yield from read_by_cursor(
            records, selection.names, schema.fields[place], request, cursor, self.surroundings.interruption
        )

    def estimate(self, stream: str, filters: tuple[Filter, ...] = ()) -> int | None:
        settings = self._stream(stream)
        if filters or not settings.paging.total:
            return None
        reader = self._reader(stream)
        page = reader.page(first_place(settings.paging))
        return reader.total(page) if page else None

    def count(self, stream: str, filters: tuple[Filter, ...] = ()) -> int:
        return sum(len(batch.rows) for batch in self.read(ReadRequest(stream, filters=filters)))

    def close(self) -> None:
        self.http.close()

    def _batches(self, request: ReadRequest, selection: Selection, schema: StreamSchema) -> Iterator[Batch]:
        """In the service's own order, each page in parts of the size that is wanted."""
        settings, size = self._stream(request.stream), max(1, request.batch_size)
        for standing in self._pages(request, schema, request.position):
            records = settings.flat(standing.page.records, schema)
            for begin in range(standing.skipped, len(records), size):
                self.surroundings.interruption.check()
                part = records[begin : begin + size]
                rows = selection.rows(part)
                if rows:
                    position = standing.position_after(settings.paging.size, begin + len(part))
                    byte_count = standing.page.byte_count * len(part) // len(records)
                    yield Batch(selection.names, rows, position, byte_count)

    def _records(
        self, request: ReadRequest, selection: Selection, schema: StreamSchema
    ) -> Iterator[tuple[Mapping[str, Any], tuple[Any, ...]]]:
        """All records with their rows, from the first page on: sorting comes after."""
        for standing in self._pages(request, schema, None):
            for record in self._stream(request.stream).flat(standing.page.records, schema):
                for row in selection.rows([record]):
                    yield record, row

    def _pages(self, request: ReadRequest, schema: StreamSchema, position: Any) -> Iterable[Standing]:
        sent = self._stream(request.stream).sent_filters(request.filters, request.cursor, schema)
        return self._reader(request.stream, sent=sent).pages(position)

    def _reader(
        self, stream: str, http: HttpSession | None = None, sent: Mapping[str, str] | None = None
    ) -> PageReader:
        return PageReader(http or self.http, self.base_url, self._stream(stream), sent or {})

    def _looked_at(self, stream: RestStream) -> StreamSchema:
        if stream.is_typed:
            return stream.schema(())
        pages = islice(self._reader(stream.name).pages(), 1)
        schema = stream.schema([record for standing in pages for record in standing.page.records])
        if not schema.fields:
            raise DataError(
                "no_fields",
                f"{stream.name} has no record by which its fields could be known",
                hint="Name the stream's fields in the connector.",
            )
        return schema

    def _stream(self, name: str) -> RestStream:
        if name not in self._streams:
            raise ConfigError(
                "stream_not_found",
                f"{self.slug} has no stream '{name}'; it has {', '.join(self._streams)}",
                hint="Choose one of these, or add the stream to the connector.",
            )
        return self._streams[name]

    def _open_session(self, **options: Any) -> HttpSession:
        """A session that logs in as the settings say; `options` as HttpSession takes them."""
        auth, secret = self.config.get("auth", {}), self.credentials.get("secret", "")
        kind, headers = auth.get("kind", "none"), {}
        if kind == "oauth2":
            client = Client(
                auth["token_url"], auth["client_id"], secret, auth.get("scope", ""), auth.get("client_in_body", False)
            )
            return TokenSession(self.surroundings, Tokens(client, self.surroundings, **options), **options)
        if kind == "basic":
            headers = basic_login(auth["user"], secret)
        elif kind == "bearer":
            headers = {"Authorization": f"Bearer {secret}"}
        elif kind == "header":
            headers = {auth["header"]: secret}
        return HttpSession(self.surroundings, secret_headers=headers, **options)
