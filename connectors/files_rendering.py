"""Writes a table of a working copy as a file beside the target, whole or not at all. Puts nothing in its place."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.files_csv import header_text
from connectors.files_csv import record_writer as csv_writer
from connectors.files_jsonl import record_writer as jsonl_writer
from connectors.files_settings import FileFormat
from connectors.sql_text import Table, joined, sql
from connectors.sqlite_session import Session
from connectors.surroundings import Interruption

LOCK_POLL_SECONDS = 0.05
WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
NEW_FILE_MODE = 0o666  # less what the process's umask takes away


@contextmanager
def one_at_a_time(lock: Path, interruption: Interruption) -> Iterator[None]:
    """Keep other processes from rendering the same file; waits, and ends when interrupted."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                interruption.sleep(LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def temporary_file(path: Path) -> Path:
    """Where the new content of a file is written: beside it, always at the same place, which a crash may leave."""
    return path.with_name(f".syncdeck-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.tmp")


def write_table(session: Session, table: Table, path: Path, file_format: FileFormat, *, like: Path) -> str:
    """Write a table to a file, with the rights of `like` if that is there; the SHA-256 of what was written."""
    digest = hashlib.sha256()
    descriptor = os.open(path, WRITE_FLAGS, NEW_FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        if like.exists():
            os.fchmod(descriptor, like.stat().st_mode & 0o777)
        for text in _texts(session, table, file_format):
            part = text.encode()
            digest.update(part)
            file.write(part)
        file.flush()
        os.fsync(descriptor)
    return digest.hexdigest()


def _texts(session: Session, table: Table, file_format: FileFormat) -> Iterator[str]:
    """The file's text in parts; records in the order in which they came."""
    fields = [column.field for column in table.columns]
    write: Callable[[Sequence[Any]], str]
    if file_format.name == "csv":
        yield header_text(fields, file_format)
        write = csv_writer(fields, file_format)
    else:
        write = jsonl_writer(fields)
    query = sql(
        "SELECT {columns} FROM {table} ORDER BY {order}",
        columns=joined(column.sql for column in table.columns),
        table=table.sql,
        order=joined(column.sql for column in table.row_order),
    )
    for rows in session.fetch_in_parts(query):
        yield "".join(map(write, rows))
