"""Decides which files a user may name: those below the data directory or a file root. Opens nothing; no Django."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connectors.errors import ConfigError

_roots: tuple[Path, ...] = ()
_reserved: frozenset[Path] = frozenset()


def configure(data_dir: Path, file_roots: Sequence[Path] = (), reserved: Sequence[Path] = ()) -> None:
    """Set where files may lie (relative paths begin at `data_dir`) and which files below are Syncdeck's own."""
    global _roots, _reserved
    _roots = tuple(Path(root).resolve() for root in (data_dir, *file_roots))
    _reserved = frozenset(Path(path).resolve() for path in reserved)


def checked_path(path: str, *, directory: bool = False) -> Path:
    """The real path, symbolic links followed; it need not exist yet.

    Raises ConfigError `outside_root` for anything outside the roots, Syncdeck's own database and keys, and whatever
    exists and is no regular file (`directory=True`: no directory).
    """
    if "\\" in path or not _roots:
        raise _refusal(path, "is not a path that can be used here")
    return _real_path(path, _roots[0], _roots, directory=directory)


def checked_below(folder: Path, name: str) -> Path:
    """As `checked_path`, for a file that must lie below this real folder; a backslash is a letter of its name here.

    Parts that begin with a dot, "." and ".." among them, are refused.
    """
    if any(part.startswith(".") for part in name.split("/")) or name.startswith(("/", "\\\\")):
        raise _refusal(name, "is absolute, or leads through a hidden folder")
    return _real_path(name, folder, (folder,), directory=False)


def _real_path(path: str, begin: Path, roots: Sequence[Path], *, directory: bool) -> Path:
    if not path.strip() or "\0" in path:
        raise _refusal(path, "is not a path that can be used here")
    try:
        real = (begin / path).resolve()
        exists = real.exists()
        is_fitting = real.is_dir() if directory else real.is_file()
        if real.is_symlink():  # followed to its end and still a link: a loop, which Python 3.13 no longer raises for
            raise OSError("a loop of links")
    except (OSError, RuntimeError, ValueError):
        raise _refusal(path, "cannot be looked at") from None
    if not any(real.is_relative_to(root) for root in roots):
        raise _refusal(path, "lies outside the folders that connectors may use")
    if exists and not is_fitting:
        raise _refusal(path, "is not a folder" if directory else "is not a regular file")
    if real in _reserved:
        raise _refusal(path, "belongs to Syncdeck itself")
    return real


def _refusal(path: str, reason: str) -> ConfigError:
    return ConfigError(
        "outside_root",
        f"the path {path[:200]!r} {reason}",
        hint="Name a file below SYNCDECK_DATA_DIR, or add its folder to SYNCDECK_FILE_ROOTS.",
    )
