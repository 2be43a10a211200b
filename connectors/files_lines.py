"""Lines of one file with their places, unpacked and decoded, within bounds of memory. Knows no format."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from connectors.errors import DataError
from connectors.files_errors import broken, changed, explained
from connectors.files_places import Place
from connectors.records import Unread

LONGEST_RECORD = 16 * 1024 * 1024  # bytes; a longer one is a sign of a quote that nobody closes
HEAD_BYTES = 4096
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16 and UTF-32
OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # no link put there since, and no waiting


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what a file is known to be the same without reading it."""

    inode: int
    size: int
    mtime_ns: int


def stamp_of(path: Path) -> Stamp | None:
    """None for a file that is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


def stamp_of_open(descriptor: int) -> Stamp:
    """The same of a file that is open."""
    found = os.fstat(descriptor)
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


def digest_of(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def head_of(path: Path) -> str:
    """A short digest of the file's first bytes."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(HEAD_BYTES)).hexdigest()[:16]


class Lines(Iterator[str]):
    """Decoded lines with their ends; `offset` (bytes, unpacked) and `line` stand behind the last one.

    `head` is the digest of the file's first bytes, as `head_of` gives it.
    `record` holds the lines since `begin_record`, whose first is `first_line`; `misread` says what is wrong with their
    bytes, which are spelled out in the text then. Raises DataError `broken_file` and `file_changed`.
    """

    def __init__(self, place: Place, stream: IO[bytes], descriptor: int, encoding: str) -> None:
        self.name = place.name
        self._stream = stream
        self._descriptor = descriptor
        self._encoding = encoding
        self._opened = stamp_of_open(descriptor)
        self.head = hashlib.sha256(os.pread(descriptor, HEAD_BYTES, 0)).hexdigest()[:16]
        self.offset = self.line = 0
        self.record: list[str] = []
        self.first_line = 1
        self.misread = ""
        self.is_at_end = False
        self._record_bytes = 0

    def go_to(self, offset: int, line: int) -> None:
        """Go on behind an earlier line."""
        with self._readable():
            self._stream.seek(offset)
        self.offset, self.line = offset, line

    def begin_record(self) -> None:
        self.record, self._record_bytes = [], 0
        self.first_line = self.line + 1
        self.misread = ""

    def __next__(self) -> str:
        with self._readable():
            raw = self._stream.readline(LONGEST_RECORD + 1)
        if not raw:
            self._refuse_change()
            self.is_at_end = True
            raise StopIteration
        self.offset += len(raw)
        self.line += 1
        self._record_bytes += len(raw)
        if self._record_bytes > LONGEST_RECORD:
            megabytes = LONGEST_RECORD // 1024**2
            raise broken(self.name, self.first_line, f"the record is over {megabytes} MiB; is a quote not closed?")
        text = self._decoded(raw)
        self.record.append(text)
        return text

    def _decoded(self, raw: bytes) -> str:
        if self.line == 1:
            if raw.startswith(OTHER_MARKS):
                raise broken(self.name, 1, "the file is in UTF-16 or UTF-32", "Save the file in UTF-8.")
            if self._encoding == "utf-8":
                raw = raw.removeprefix(BYTE_ORDER_MARK)
        try:
            return raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            self.misread = self.misread or f"is no {self._encoding} at byte {error.start + 1}; is that its encoding?"
            return raw.decode(self._encoding, "backslashreplace")

    def unread(self, reason: str) -> Unread:
        """The lines since `begin_record` as a record that cannot be read."""
        until = f" (up to line {self.line})" if self.line > self.first_line else ""
        return Unread(reason + until, "".join(self.record))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except EOFError:
            raise broken(self.name, self.line + 1, "the packed file ends too early", "Pack it again.") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise broken(self.name, self.line + 1, f"cannot be unpacked ({error})", "Pack it again.") from None

    def _refuse_change(self) -> None:
        if stamp_of_open(self._descriptor) != self._opened:
            raise changed(self.name, "while it was read")


@contextmanager
def open_lines(place: Place, encoding: str) -> Iterator[Lines]:
    """The lines of a regular file."""
    with explained(place.path, place.name):
        descriptor = os.open(place.path, OPEN_FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise DataError("broken_file", f"{place.name} is no regular file")
            if place.name.endswith(".gz"):
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield Lines(place, cast(IO[bytes], unpacked), descriptor, encoding)
            else:
                yield Lines(place, file, descriptor, encoding)
