"""A portal that answers as fast as Python can: SODA pages of records that were rendered before. A process of its own.

`python -m tests.benchmarks.page_server` prints its port. Its crashes are the sandbox's generated ones, 14 fields of
each, repeated under other keys until there are 300,000.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, islice
from urllib.parse import parse_qs, urlsplit

from connectors.sandbox import crashes
from connectors.sandbox.datasets import Edition, Row

RECORDS, FEW, EVERY = 300_000, 60_000, 100  # every hundredth record is changed in the next edition
KINDS = {
    "crash_record_id": "text",
    "crash_date": "calendar_date",
    "posted_speed_limit": "number",
    "weather_condition": "text",
    "lighting_condition": "text",
    "first_crash_type": "text",
    "trafficway_type": "text",
    "damage": "text",
    "street_no": "number",
    "street_name": "text",
    "num_units": "number",
    "injuries_total": "number",
    "latitude": "number",
    "longitude": "number",
}
ALL, NEXT, FIRST = "crsh-alll", "crsh-next", "crsh-frst"
HEAD = len('{":id":"row-00000000",')  # of a rendered record
BEYOND = re.compile(r":id > 'row-(\d+)'")
Record = dict[str, str]


def records() -> Iterator[Record]:
    """The crashes as the portal sends them: fields without a value are left out, numbers are texts."""
    originals = [_sent(row) for row in crashes.rows(Edition("current", date(2026, 11, 23)))]
    copies = ((copy, record) for copy in count() for record in originals)
    for copy, record in islice(copies, RECORDS):
        yield _copied(record, copy)


def _copied(record: Record, copy: int) -> Record:
    """Another crash: key, minute and place differ, as they do in real ones."""
    own = {"crash_record_id": f"{record['crash_record_id'][:36]}{copy:04d}"}
    own["crash_date"] = f"{record['crash_date'][:14]}{copy % 60:02d}:00.000"
    own |= {name: f"{record[name]}{copy:02d}" for name in ("latitude", "longitude") if record.get(name, "0.0") != "0.0"}
    return record | own


def changed(record: Record, number: int) -> Record:
    """The record in the next edition."""
    return record if number % EVERY else record | {"damage": "$501 - $1,500, as corrected"}


def _sent(row: Row) -> Record:
    return {name: str(row[name]) for name in KINDS if row.get(name) is not None}


def _rendered(number: int, record: Record) -> bytes:
    return json.dumps({":id": f"row-{number:08d}"} | record, separators=(",", ":")).encode()


class Pages(BaseHTTPRequestHandler):
    """Metadata, the count, and pages by `:id`, or by `$offset` and then without that field."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 20
    editions: dict[str, list[bytes]]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        dataset, asked = parts.path.rpartition("/")[2].removesuffix(".json"), parse_qs(parts.query)
        rows = self.editions[dataset]
        if parts.path.startswith("/api/views/"):
            body = json.dumps({"columns": [{"fieldName": n, "dataTypeName": k} for n, k in KINDS.items()]}).encode()
        elif asked.get("$select") == ["count(*)"]:
            body = json.dumps([{"count": str(len(rows))}]).encode()
        else:
            body = b"[" + b",".join(_page(rows, asked)) + b"]"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _page(rows: list[bytes], asked: dict[str, list[str]]) -> list[bytes]:
    limit = int(asked["$limit"][0])
    if "$offset" in asked:
        begin = int(asked["$offset"][0])
        return [b"{" + row[HEAD:] for row in rows[begin : begin + limit]]
    found = BEYOND.search(asked.get("$where", [""])[0])
    begin = int(found[1]) + 1 if found else 0
    return rows[begin : begin + limit]


def main() -> None:
    kept = list(records())
    rows = [_rendered(number, record) for number, record in enumerate(kept)]
    after = [_rendered(number, changed(record, number)) for number, record in enumerate(kept)]
    Pages.editions = {ALL: rows, NEXT: after, FIRST: rows[:FEW]}
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        print(server.server_port, flush=True)  # noqa: T201
        server.serve_forever()


if __name__ == "__main__":
    main()
