"""Makes given changes in a file: as in an SQLite file, the working copy, which then becomes the file."""

from __future__ import annotations

from connectors.files_writer import FileWriter
from connectors.sqlite_applying import SQLiteApplier


class FileApplier(SQLiteApplier, FileWriter):
    """Nothing but the two together."""
