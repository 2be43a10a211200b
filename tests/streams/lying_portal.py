"""A Socrata portal of 24 records, on the scripted HTTP server, that can be told to lie."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.connectors.scripted_server import reply, reply_json

ID = "item-s001"
Rows = list[dict[str, Any]]
Columns = dict[str, str]
COLUMNS: Columns = {"code": "text", "name": "text", "size": "number"}
ROWS: Rows = [{"code": f"C{number:03d}", "name": f"Name {number}", "size": str(number)} for number in range(24)]
PAGE = 10


@dataclass(frozen=True)
class Lie:
    """What is changed of honest answers. `body` stands for whole pages of records, from `from_page` on."""

    columns: Callable[[Columns], Columns] = dict
    rows: Callable[[Rows], Rows] = list
    body: bytes | None = None
    content_type: str = "application/json"
    from_page: int = 1
    hits_metadata: bool = False
    leaves_out: str = ""  # a column that records lack, whatever the metadata say


class LyingPortal:
    """Honest while `lie` is None; `rows` may be changed."""

    def __init__(self) -> None:
        self.rows: Rows = [dict(row) for row in ROWS]
        self.lie: Lie | None = None
        self._pages = 0

    def tell(self, lie: Lie | None) -> None:
        """From now on answer so."""
        self.lie, self._pages = lie, 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """One request, as scripted_server wants it."""
        address = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        lie = self.lie or Lie()
        if address.path.startswith("/api/views/"):
            self._describe(handler, lie)
        elif query.get("$select") == "count(*)":
            reply_json([{"count": str(len(lie.rows(self.rows)))}])(handler)
        else:
            self._page(handler, lie, query)

    def _describe(self, handler: BaseHTTPRequestHandler, lie: Lie) -> None:
        if lie.body is not None and lie.hits_metadata:
            reply(body=lie.body, content_type=lie.content_type)(handler)
            return
        columns = lie.columns(COLUMNS).items()
        reply_json({"columns": [{"fieldName": name, "dataTypeName": kind} for name, kind in columns]})(handler)

    def _page(self, handler: BaseHTTPRequestHandler, lie: Lie, query: dict[str, str]) -> None:
        self._pages += 1
        if lie.body is not None and self._pages >= lie.from_page:
            reply(body=lie.body, content_type=lie.content_type)(handler)
            return
        condition = query.get("$where", "")
        after = re.search(r":id > '([^']*)'", condition)
        chosen = re.search(r"code IN \(([^)]*)\)", condition)
        rows = [{":id": f"row-{row['code']}", **row} for row in lie.rows(self.rows)]
        rows = [row for row in rows if after is None or row[":id"] > after[1]]
        rows = [row for row in rows if chosen is None or f"'{row['code']}'" in chosen[1]]
        shown = [name.strip("`") for name in query["$select"].split(",")]
        shown = [name for name in shown if name != lie.leaves_out]
        page = [{name: row[name] for name in shown if name in row} for row in rows[: int(query["$limit"])]]
        reply_json(page, X_SODA2_Fields=json.dumps(shown))(handler)
