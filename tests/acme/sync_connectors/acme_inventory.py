"""Kind acme_inventory: reads the lists of Acme's inventory service over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import quote

from connectors.base import Capabilities, Connector
from connectors.checks import CheckStep, timed_step
from connectors.errors import ConfigError, SyncError
from connectors.http import HttpSession
from connectors.http_answers import checked_url, port_of
from connectors.network import check_literal
from connectors.paging import LoopGuard
from connectors.records import Batch, Field, FieldType, Filter, ReadRequest, StreamInfo, StreamSchema
from connectors.selecting import Selection
from connectors.surroundings import Surroundings

PAGE = 500
SPEC: dict[str, Any] = {
    "config": {
        "type": "object",
        "properties": {
            "base_url": {
                "type": "string",
                "title": "Address",
                "description": "Of the service, such as https://inventory.acme.example",
                "format": "uri",
            },
        },
        "required": ["base_url"],
        "additionalProperties": False,
    },
    "credentials": {
        "type": "object",
        "properties": {"api_key": {"type": "string", "title": "API key", "minLength": 1, "writeOnly": True}},
        "required": ["api_key"],
        "additionalProperties": False,
    },
}


class AcmeInventoryConnector(Connector):
    kind = "acme_inventory"
    label = "Acme inventory"
    capabilities = Capabilities(orders_by_key=False)  # reads, in the service's own order, and nothing more

    def __init__(
        self, slug: str, config: dict[str, Any], credentials: dict[str, str], surroundings: Surroundings | None = None
    ) -> None:
        super().__init__(slug, config, credentials, surroundings)
        self.http = self._session()

    @classmethod
    def spec(cls) -> dict[str, Any]:
        return SPEC

    @classmethod
    def check_config(cls, config: dict[str, Any]) -> None:
        parts = checked_url(config["base_url"])
        check_literal(str(parts.hostname), port_of(parts))

    def address(self) -> str:
        return str(self.config["base_url"]).rstrip("/")

    def check(self) -> Iterator[CheckStep]:
        http = self._session(tries=1, deadline_seconds=20, waits_for_turns=False)
        started = time.perf_counter()
        try:
            lists = self._lists(http)
        except SyncError as error:
            name = "log in" if error.code == "credentials_refused" else "connect"
            yield timed_step(name, started, error.message, ok=False, fix=error.hint)
        else:
            yield timed_step("log in", started, f"the key is accepted; there are {len(lists)} lists")
        finally:
            http.close()

    def streams(self) -> list[StreamInfo]:
        return [StreamInfo(name) for name in self._lists(self.http)]

    def schema(self, stream: str) -> StreamSchema:
        lists = self._lists(self.http)
        if stream not in lists:
            raise ConfigError(
                "stream_not_found",
                f"{self.slug} has no list '{stream}'; it has {', '.join(lists)}",
                hint="Choose one of these.",
            )
        return lists[stream]

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        selection = Selection(request, self.schema(request.stream))
        url = f"{self.address()}/lists/{quote(request.stream, safe='')}"
        position, guard = request.position or 0, LoopGuard()
        while True:
            asked = {"after": str(position), "limit": str(min(request.batch_size, PAGE))}
            page, answer = self.http.get_json(url, asked)
            try:
                records, position = page["records"], int(page["last"])
                rows = selection.rows(records)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise self._strange(request.stream) from None
            if not records:
                return
            if guard.comes_back_to(position):
                raise self._strange(request.stream)
            if rows:
                yield Batch(selection.names, rows, position, len(answer.body))

    def count(self, stream: str, filters: tuple[Filter, ...] = ()) -> int:
        return sum(len(batch.rows) for batch in self.read(ReadRequest(stream, filters=filters)))

    def close(self) -> None:
        self.http.close()

    def _session(self, **options: Any) -> HttpSession:
        return HttpSession(self.surroundings, secret_headers={"X-Acme-Key": self.credentials["api_key"]}, **options)

    def _lists(self, http: HttpSession) -> dict[str, StreamSchema]:
        found, _ = http.get_json(f"{self.address()}/lists")
        try:
            return {one["name"]: _schema(one) for one in found}
        except (KeyError, TypeError, ValueError):
            raise self._strange("the lists") from None

    def _strange(self, what: str) -> ConfigError:
        return ConfigError(
            "protocol",
            f"{self.address()} did not answer as an inventory service does when asked for {what}",
            hint="Check the address.",
        )


def _schema(described: dict[str, Any]) -> StreamSchema:
    fields = [Field(one["name"], one["type"]) for one in described["fields"]]
    if unknown := [field.type for field in fields if field.type not in get_args(FieldType)]:
        raise ValueError(unknown)
    times = tuple(field.name for field in fields if field.type in ("date", "datetime"))
    return StreamSchema(tuple(fields), tuple(described["key"]), cursor_candidates=times)
