"""Answers beyond all measure end in an error that names the limit, while this process stays small."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from connectors.errors import DataError
from connectors.records import ReadRequest
from connectors.soda import SodaConnector
from tests.connectors.scripted_server import Answer, reply, scripted_server
from tests.isolation import CHECKOUT

MEGABYTE = 1024 * 1024
MOST_GROWTH = 200  # megabytes; the largest body is 64, and joined from its pieces
GET = """
import sys
from pathlib import Path
from connectors import network
from connectors.errors import SyncError
from connectors.http import HttpSession
from connectors.surroundings import Surroundings

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))

network.configure(["127.0.0.1"])
session = HttpSession(Surroundings(), tries=1)
before = peak()
try:
    session.get_json(sys.argv[1])
    told = "accepted"
except SyncError as error:
    told = f"{error.failure_class} {error.code}"
print(told, peak() - before)
"""


def gigabytes(number: int, *, zipped: bool) -> Answer:
    """An answer of so many gigabytes of blanks, made while it is sent."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        if zipped:
            handler.send_header("Content-Encoding", "gzip")
        else:
            handler.send_header("Content-Length", str(number * 1024 * MEGABYTE))
        handler.end_headers()
        handler.close_connection = True
        for piece in _pieces(number * 1024, zipped=zipped):
            handler.wfile.write(piece)

    return answer


def _pieces(megabytes: int, *, zipped: bool) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    for _ in range(megabytes):
        yield packer.compress(b" " * MEGABYTE) if zipped else b" " * MEGABYTE
    yield packer.flush() if zipped else b""


def bomb_in_one_piece(handler: BaseHTTPRequestHandler) -> None:
    reply(200, gzip.compress(b" " * (100 * MEGABYTE)), Content_Encoding="gzip")(handler)


def bomb_of_bombs(handler: BaseHTTPRequestHandler) -> None:
    """Zipped three times over."""
    body = b" " * (100 * MEGABYTE)
    for _ in range(3):
        body = gzip.compress(body)
    reply(200, body, Content_Encoding="gzip, gzip, gzip")(handler)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's highest memory")
@pytest.mark.parametrize(
    "answer",
    [
        gigabytes(5, zipped=False),
        gigabytes(1, zipped=True),
        bomb_in_one_piece,
        bomb_of_bombs,
        reply(200, b"[" + b"{}," * 20_000_000 + b"{}]"),
        reply(200, b'[{"a":1}' + b',{"a":1}' * 7_000_000 + b"]"),
    ],
    ids=["5 GB", "gzip bomb", "gzip bomb in one piece", "bomb of bombs", "empty records", "tiny records"],
)
def test_answer_without_measure_is_refused_while_memory_stays_small(answer: Answer) -> None:
    with scripted_server(answer) as server:
        command = [sys.executable, "-c", GET, server.url]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=True)
    *told, grown = done.stdout.split()
    assert told == ["data", "answer_too_large"]
    assert int(grown) < MOST_GROWTH


def portal(url: str) -> SodaConnector:
    return SodaConnector("portal", {"base_url": url, "datasets": {"places": "aaaa-0001"}}, {})


def columns(number: int) -> Answer:
    return reply(body=b'{"columns":[' + numbered(b'{"fieldName":"c%d","dataTypeName":"text"}', number) + b"]}")


def numbered(piece: bytes, number: int) -> bytes:
    return b",".join(piece % one for one in range(number))


def test_dataset_of_a_million_columns_is_refused() -> None:
    with (
        scripted_server(columns(1_000_000)) as server,
        closing(portal(server.url)) as connector,
        pytest.raises(DataError, match=r"places has 1,000,000 columns; at most 5,000 can be read") as caught,
    ):
        connector.schema("places")
    assert caught.value.code == "too_many_columns"


def test_record_of_a_million_columns_that_nobody_asked_for_is_read_without_them() -> None:
    record = b'[{":id":"row-1","c0":"a",' + numbered(b'"x%d":0', 1_000_000) + b"}]"
    with scripted_server(columns(1), reply(body=record)) as server, closing(portal(server.url)) as connector:
        (batch,) = connector.read(ReadRequest("places"))
    assert (batch.names, batch.rows) == (("c0",), [("a",)])
