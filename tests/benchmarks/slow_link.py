"""A link to a server that carries only so many bytes a second on each connection, as one to another continent does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

PIECE = 1 << 18


@contextmanager
def slow_link(host: str, port: int, bytes_a_second: float) -> Iterator[int]:
    """Gives the local port that leads to host and port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    connect = partial(_connect, host, port, bytes_a_second)
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(connect, "127.0.0.1", 0), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _connect(
    host: str, port: int, bytes_a_second: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    there, thither = await asyncio.open_connection(host, port)
    await asyncio.gather(_carry(reader, thither, bytes_a_second), _carry(there, writer, bytes_a_second))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bytes_a_second: float) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(len(piece) / bytes_a_second)
    writer.close()
