"""Writes a table of a working copy as a file beside the target, whole or not at all. Puts nothing in its place."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from connectors.files_csv import header_text
from connectors.files_csv import record_writer as csv_writer
from connectors.files_formats import parquet
from connectors.files_jsonl import record_writer as jsonl_writer
from connectors.files_lines import digest_of
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
    descriptor = os.open(path, WRITE_FLAGS, NEW_FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        if like.exists():
            os.fchmod(descriptor, like.stat().st_mode & 0o777)
        if file_format.name == "parquet":
            _write_binary(session, table, file)
        else:
            for text in _texts(session, table, file_format):
                file.write(text.encode())
        file.flush()
        os.fsync(descriptor)
    return digest_of(path)


def _write_binary(session: Session, table: Table, file: IO[bytes]) -> None:
    fields = [column.field for column in table.columns]
    parquet().write(file, fields, _digits(session, table), _records(session, table))


def _texts(session: Session, table: Table, file_format: FileFormat) -> Iterator[str]:
    """The file's text in parts; records in the order in which they came."""
    fields = [column.field for column in table.columns]
    write: Callable[[Sequence[Any]], str]
    if file_format.name == "csv":
        yield header_text(fields, file_format)
        write = csv_writer(fields, file_format)
    else:
        write = jsonl_writer(fields)
    for rows in _records(session, table):
        yield "".join(map(write, rows))


def _records(session: Session, table: Table) -> Iterator[list[tuple[Any, ...]]]:
    query = sql(
        "SELECT {columns} FROM {table} ORDER BY {order}",
        columns=joined(column.sql for column in table.columns),
        table=table.sql,
        order=joined(column.sql for column in table.row_order),
    )
    return session.fetch_in_parts(query)


def _digits(session: Session, table: Table) -> dict[str, tuple[int, int]]:
    """The most digits that each column of decimals has before and behind the point."""
    columns = [column for column in table.columns if column.field.type == "decimal"]
    if not columns:
        return {}
    before = "max(CASE instr({name}, '.') WHEN 0 THEN length({name}) ELSE instr({name}, '.') - 1 END)"
    behind = "max(CASE instr({name}, '.') WHEN 0 THEN 0 ELSE length({name}) - instr({name}, '.') END)"
    wanted = joined(
        sql("{before}, {behind}", before=sql(before, name=one.sql), behind=sql(behind, name=one.sql)) for one in columns
    )
    (found,) = session.fetch(sql("SELECT {wanted} FROM {table}", wanted=wanted, table=table.sql))
    return {one.name: (found[2 * place] or 0, found[2 * place + 1] or 0) for place, one in enumerate(columns)}
