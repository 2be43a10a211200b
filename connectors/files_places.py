"""Which files a stream's name means, always below the connector's root. Lists folders; opens no file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from connectors.errors import ConfigError
from connectors.files_errors import explained
from connectors.files_settings import FileFormat
from connectors.paths import checked_below, checked_path
from connectors.records import StreamInfo

PRIVATE_FOLDER = ".syncdeck"  # holds the working copies of what is written
MOST_LISTED = 10_000
MOST_FILES = 100_000  # of one pattern
PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Place:
    """A file: `name` is its path below the root, as messages and positions show it."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Root:
    """The folder of one connector."""

    slug: str
    address: str
    file_format: FileFormat

    @property
    def folder(self) -> Path:
        """The real folder. Raises ConfigError `outside_root`."""
        return checked_path(self.address, directory=True)

    def listed(self) -> list[StreamInfo]:
        """Every readable file by name; those with the usual ending are named without it."""
        found: dict[str, str] = {}
        for place in islice(self._walk(), MOST_LISTED):
            found.setdefault(self.stream_name(place.name), place.name)
        return [StreamInfo(name, file, kind="file") for name, file in sorted(found.items())]

    def stream_name(self, name: str) -> str:
        """The one name of the stream in the file that is called so."""
        suffix = self.file_format.suffixes[0]
        bare = name.removesuffix(suffix)
        is_short = name.endswith(suffix) and bare and not bare.endswith("/")
        return bare if is_short and not bare.endswith(self.file_format.suffixes) else name

    def files(self, stream: str) -> list[Place]:
        """The file with this name, or all that the pattern means, sorted. Raises ConfigError `stream_not_found`."""
        place = self.file(stream)
        with explained(place.path, stream):
            if place.path.is_file():
                return [place]
        found = self._matching(stream) if PATTERN.search(stream) else []
        if not found:
            known = ", ".join(info.name for info in islice(self.listed(), 100)) or "nothing yet"
            raise ConfigError(
                "stream_not_found",
                f"{self.slug}: {self.address} has no file '{stream[:200]}' (it has: {known[:1000]})",
                hint="Correct the stream's name, or run the sync that fills it first.",
            )
        return found

    def file(self, stream: str) -> Place:
        """Where the file of this stream is or would be, by its real name. Raises ConfigError `outside_root`."""
        folder, longer = self.folder, stream + self.file_format.suffixes[0]
        with explained(folder, stream):
            is_file = (folder / stream).is_file() and not (folder / longer).is_file()
        is_exact = is_file or stream.endswith(self.file_format.suffixes)
        path = checked_below(folder, stream if is_exact else longer)
        return Place(self._name(path), path)

    def private_file(self, name: str, suffix: str) -> Path:
        """A file of our own that belongs to the one that is called so."""
        readable = re.sub(r"[^A-Za-z0-9_]+", "-", name)[:60]
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return self.folder / PRIVATE_FOLDER / f"{readable}-{digest}{suffix}"

    def _matching(self, pattern: str) -> list[Place]:
        checked_below(self.folder, PATTERN.sub("x", pattern))
        try:
            with explained(self.folder, pattern):
                names = list(islice((self._name(path) for path in self.folder.glob(pattern)), MOST_FILES + 1))
        except ValueError:  # "**" as a part of a name
            names = []
        if len(names) > MOST_FILES:
            raise ConfigError(
                "too_many_files",
                f"{self.slug}: the pattern '{pattern[:200]}' means more than {MOST_FILES:,} files",
                hint="Choose a narrower pattern.",
            )
        return [place for name in sorted(names) if (place := self._usable(name)) is not None]

    def _walk(self) -> Iterator[Place]:
        folder = self.folder
        with explained(folder, self.address):
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                if path.name.endswith(self.file_format.suffixes) and (place := self._usable(self._name(path))):
                    yield place

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _usable(self, name: str) -> Place | None:
        """None for what is hidden, no regular file, outside the root, or has a name that is no text."""
        if not name.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in name):
            return None
        try:
            path = checked_below(self.folder, name)
        except ConfigError:
            return None
        return Place(name, path) if path.is_file() else None
