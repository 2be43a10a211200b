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
    if not path.strip() or "\0" in path or "\\" in path or not _roots:
        raise _refusal(path, "is not a path that can be used here")
    try:
        real = (_roots[0] / path).resolve()
        exists = real.exists()
        is_fitting = real.is_dir() if directory else real.is_file()
        if real.is_symlink():  # followed to its end and still a link: a loop, which Python 3.13 no longer raises for
            raise OSError("a loop of links")
    except (OSError, RuntimeError):
        raise _refusal(path, "cannot be looked at") from None
    if not any(real.is_relative_to(root) for root in _roots):
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
