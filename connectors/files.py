"""Connectors of kind files: CSV, JSON Lines and Parquet below one folder, written whole and exactly once."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from connectors.base import Capabilities, Connector, StreamWriter, WriteRequest
from connectors.checks import CheckStep, timed_step
from connectors.cursors import cursor_candidates
from connectors.errors import ConfigError, SyncError
from connectors.field_numbers import NotFinite
from connectors.files_applying import FileApplier
from connectors.files_cursors import read_by_cursor
from connectors.files_errors import explained, mount_of
from connectors.files_formats import missing_formats, parquet
from connectors.files_importing import TargetFile
from connectors.files_places import Place, Root
from connectors.files_reading import count_records, read_batches
from connectors.files_settings import file_format, spec_with
from connectors.files_streams import StreamFiles, look_at, read_value
from connectors.files_texts import Types
from connectors.files_writer import FileWriter
from connectors.paths import checked_path
from connectors.records import Batch, FieldType, Filter, ReadRequest, Record, StreamInfo, StreamSchema
from connectors.sql_errors import Place as SessionPlace
from connectors.sql_text import Table
from connectors.sqlite_catalog import find_table
from connectors.sqlite_session import Mode, Session
from connectors.surroundings import Surroundings

LITTLE_SPACE = 100 * 1024 * 1024  # bytes
OWN_NAMES = ("sqlite_", "_syncdeck")  # tables of the working copy that are not records


class FilesConnector(Connector):
    """One folder below the data directory or a file root."""

    kind: ClassVar[str] = "files"
    label: ClassVar[str] = "Files (CSV, JSON Lines, Parquet)"
    capabilities: ClassVar[Capabilities] = Capabilities(
        writes=True, transactions=True, orders_by_key=False, replaces=True, reads_by_cursor=True
    )

    def __init__(
        self, slug: str, config: dict[str, Any], credentials: dict[str, str], surroundings: Surroundings | None = None
    ) -> None:
        super().__init__(slug, config, credentials, surroundings)
        self._format = file_format(config)
        self._root = Root(slug, self.address(), self._format)
        self._sessions: list[Session] = []
        self._writers: list[FileWriter] = []
        self.surroundings.interruption.call_on_request(self._interrupt)

    @classmethod
    def spec(cls) -> dict[str, Any]:
        return spec_with(missing_formats())

    @classmethod
    def check_config(cls, config: dict[str, Any]) -> None:
        checked_path(str(config["root"]), directory=True)
        if file_format(config).name == "parquet":
            parquet()

    def address(self) -> str:
        return str(self.config["root"])

    def close(self) -> None:
        while self._writers:
            self._writers.pop().leave()
        while self._sessions:
            self._sessions.pop().close()

    def _interrupt(self) -> None:
        for session in list(self._sessions):
            session.interrupt()

    # 1. Reading.

    def streams(self) -> list[StreamInfo]:
        return self._root.listed()

    def schema(self, stream: str) -> StreamSchema:
        files, table = self._look_at(stream)
        names = {field.name for field in files.fields}
        key = table.key if table is not None and names.issuperset(table.key) else ()
        return StreamSchema(files.fields, key, cursor_candidates(files.fields))

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        """Batches in the order of the lines, whatever the key, or in that of the cursor."""
        files, _ = self._look_at(request.stream)
        if request.cursor is not None:
            yield from read_by_cursor(files, request, request.cursor, self.surroundings.interruption)
            return
        yield from read_batches(files, request, self.surroundings.interruption)

    def get(self, stream: str, key: dict[str, Any]) -> Record | None:
        record = super().get(stream, key)
        if record is None:
            return None
        types = {field.name: field.type for field in self.schema(stream).fields}
        return Record({name: read_value(types[name], value) for name, value in record.items()})

    def count(self, stream: str, filters: tuple[Filter, ...] = ()) -> int:
        files, _ = self._look_at(stream)
        return count_records(files, filters, self.surroundings.interruption)

    def _look_at(self, stream: str) -> tuple[StreamFiles, Table | None]:
        """The files, and what is known of them from writing them: their types and key."""
        places = self._root.files(stream)
        table = self._written_table(places[0]) if len(places) == 1 else None
        known: Types = {column.name: column.field.type for column in table.columns} if table else {}
        return look_at(stream, places, self._format, self._declared(stream, places[0]), known), table

    def _written_table(self, place: Place) -> Table | None:
        copy = self._root.private_file(place.name, ".sqlite3")
        if not copy.exists():
            return None
        stream = self._root.stream_name(place.name)
        with closing(self._open(copy, "ro", stream)) as session:
            return find_table(session, stream)

    def _declared(self, stream: str, place: Place) -> Types:
        declared = self._format.columns
        return declared.get(stream) or declared.get(self._root.stream_name(place.name)) or {}

    # 2. Writing.

    def keeps(self, field_type: FieldType, number: NotFinite) -> bool:
        """CSV has words for them, Parquet only in columns of floats, JSON nowhere."""
        return field_type in {"csv": ("float", "decimal"), "parquet": ("float",)}.get(self._format.name, ())

    def writer(self, request: WriteRequest) -> StreamWriter:
        """Raises ConfigError for a name or a format that is only for reading."""
        writer = FileWriter(request, self.surroundings, self._target(request.stream), self._open)
        self._writers.append(writer)
        return writer

    def applier(self, request: WriteRequest) -> FileApplier:
        """Raises what `writer` does."""
        applier = FileApplier(request, self.surroundings, self._target(request.stream), self._open)
        self._writers.append(applier)
        return applier

    def _target(self, stream: str) -> TargetFile:
        place = self._root.file(stream)
        name = self._root.stream_name(place.name)
        reason = ""
        if "*" in stream:
            reason = "a pattern names many files"
        elif place.name.endswith(".gz"):
            reason = "packed files can only be read"
        elif name.lower().startswith(OWN_NAMES):
            reason = "the name is one of SQLite or Syncdeck"
        elif self._format.name == "csv" and not self._format.has_header:
            reason = "CSV files without a header can only be read"
        elif self._format.name != "parquet" and self._format.encoding != "utf-8":
            reason = "files are only written in utf-8"
        if reason:
            raise ConfigError(
                "cannot_write",
                f"{self.slug}: the file '{stream[:200]}' cannot be written to: {reason}",
                hint="Name another target, or write with another connector of kind files.",
            )
        copy, lock = (self._root.private_file(place.name, suffix) for suffix in (".sqlite3", ".lock"))
        return TargetFile(name, place, copy, lock, self._format, self._declared(stream, place))

    def _open(self, path: Path | None, mode: Mode, stream: str) -> Session:
        place = SessionPlace(self.slug, self.address(), stream)
        session = Session(place, path, mode, self.surroundings.interruption)
        self._sessions = [*(one for one in self._sessions if not one.is_closed), session]
        return session

    # 3. Testing.

    def check(self) -> Iterator[CheckStep]:
        name, started = "folder", time.perf_counter()
        try:
            folder = self._root.folder
            if not folder.is_dir():
                fix = "Fine for a target: the first sync creates it. For a source correct the path."
                yield timed_step(name, started, f"{self.address()} does not exist yet", fix=fix)
            else:
                yield timed_step(name, started, f"{self.address()} may be used")
            name, started = "read one record", time.perf_counter()
            yield self._check_reading(started)
            name, started = "write rights", time.perf_counter()
            yield _check_writing(folder, started)
            name, started = "free space", time.perf_counter()
            yield _check_space(folder, started)
        except SyncError as error:
            yield timed_step(name, started, error.message, ok=False, fix=error.hint)

    def _check_reading(self, started: float) -> CheckStep:
        streams = self.streams()
        for stream in streams[:1]:
            found = next(self.read(ReadRequest(stream.name, batch_size=1)), None)
            what = "read one" if found else "is empty"
            return timed_step("read one record", started, f"{len(streams)} files; {stream.label}: {what}")
        return timed_step("read one record", started, "there is no file of this format yet")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there."""
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def _check_writing(folder: Path, started: float) -> CheckStep:
    if os.access(_existing(folder), os.W_OK | os.X_OK):
        return timed_step("write rights", started, "files can be written")
    fix = "Fine for a source; for a target give the worker's user the right to write into the folder."
    return timed_step("write rights", started, "files can only be read", fix=fix)


def _check_space(folder: Path, started: float) -> CheckStep:
    with explained(folder, str(folder.name)):
        free = shutil.disk_usage(_existing(folder)).free
    message = f"{free / 1024**2:,.0f} MiB free on {mount_of(_existing(folder))}"
    fix = "Make room: files are written anew beside the old ones." if free < LITTLE_SPACE else ""
    return timed_step("free space", started, message, fix=fix)
