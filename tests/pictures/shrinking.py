"""Makes the PNG of a page a third as large: the 256 commonest of its colours, the others as the nearest of those."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 256


def shrink(path: Path) -> None:
    """Write the picture anew, as indexed colours. It must be as browsers write them: 8 bits, RGB or RGBA."""
    chunks = dict(_chunks(path.read_bytes()))
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    channels = {2: 3, 6: 4}.get(kind)
    if depth != 8 or channels is None:
        raise ValueError(f"{path} is not a PNG of 8 bits in RGB or RGBA.")
    rows = [
        [row[place : place + 3] for place in range(0, len(row), channels)]
        for row in _rows(zlib.decompress(chunks[b"IDAT"]), width * channels, channels)
    ]
    palette = [colour for colour, _ in Counter(colour for row in rows for colour in row).most_common(COLOURS)]
    places = {colour: place for place, colour in enumerate(palette)}
    for colour in {colour for row in rows for colour in row} - places.keys():
        places[colour] = min(range(len(palette)), key=lambda place: _distance(palette[place], colour))
    indexed = b"".join(b"\0" + bytes(places[colour] for colour in row) for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(indexed, 9)), (b"IEND", b""))
    path.write_bytes(SIGNATURE + b"".join(_chunk(name, data) for name, data in parts))


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk by its name; those of the picture itself as one, last."""
    place, picture = len(SIGNATURE), b""
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        name, inside = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        picture += inside if name == b"IDAT" else b""
        yield name, inside
        place += length + 12
    yield b"IDAT", picture


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _rows(data: bytes, length: int, step: int) -> Iterator[bytes]:
    """The rows without the filters of PNG, https://www.w3.org/TR/png-3/#9Filters."""
    above = bytes(length)
    for start in range(0, len(data), length + 1):
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + length])
        for place in range(length) if kind else ():
            left = row[place - step] if place >= step else 0
            corner = above[place - step] if place >= step else 0
            row[place] = (row[place] + _guess(kind, left, above[place], corner)) & 255
        above = bytes(row)
        yield above


def _guess(kind: int, left: int, up: int, corner: int) -> int:
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))  # the first of equals, as PNG wants it
