"""What the system's errors about files mean, and how a broken file is named. Opens nothing."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.errors import ConfigError, DataError, SyncError, TransientError

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)


def mount_of(path: Path) -> Path:
    """Where the file system begins that holds the path."""
    for folder in (path, *path.parents):
        if folder.is_mount():
            return folder
    return path


def translated(error: OSError, path: Path, name: str) -> SyncError:
    """Our error for one of the system's about a file that people call `name`."""
    if error.errno in NO_SPACE:
        return TransientError(
            "disk_full", f"{name}: no space left on {mount_of(path)}", hint="Make room on that disk, then retry."
        )
    if error.errno in NO_RIGHT:
        return ConfigError(
            "no_permission",
            f"{name}: the worker's user may not read or write {path.name or path}",
            hint="Give the worker's user the right to the file and its folder.",
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ConfigError("stream_not_found", f"{name}: the file is gone", hint="Put it back, or name another one.")
    if error.errno == errno.ENAMETOOLONG:
        return ConfigError("bad_name", f"{name[:80]}: the name is too long for a file", hint="Choose a shorter name.")
    return TransientError("io_error", f"{name}: reading or writing failed: {error.strerror or error}")


@contextmanager
def explained(path: Path, name: str) -> Iterator[None]:
    """Turns the system's errors about a file into ours."""
    try:
        yield
    except OSError as error:
        raise translated(error, path, name) from error


def broken(name: str, line: int, reason: str, hint: str = "Mend the file at this line, then retry.") -> DataError:
    """A file that cannot be understood, with the line (from 1) where that shows."""
    return DataError("broken_file", f"{name}, line {line}: {reason}", hint=hint)


def changed(name: str, when: str) -> DataError:
    """A file that is not any more what was read before."""
    return DataError(
        "file_changed",
        f"{name} has changed {when}",
        hint="Restart the job, so that it reads the file as it is now from the beginning.",
    )


def bad_position(stream: str) -> ConfigError:
    """A position that was made by another kind or another way of reading."""
    return ConfigError(
        "bad_position",
        f"{stream}: the stored position is none of this way of reading files",
        hint="Restart the job, so that it reads from the beginning.",
    )
