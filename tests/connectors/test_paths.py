"""Paths a user may name: below the data directory or a file root, whatever the spelling."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from connectors import paths
from connectors.apps import own_files
from connectors.errors import ConfigError


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Path]:
    """data/ and drop/ are open, outside/ is not."""
    for name in ("data", "data/sub", "drop", "outside", "data-other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.csv").write_text("x")
    (tmp_path / "data" / "own.sqlite3").write_text("x")
    (tmp_path / "data" / "link-out").symlink_to(tmp_path / "outside")
    (tmp_path / "data" / "link-file").symlink_to(tmp_path / "outside" / "file.csv")
    (tmp_path / "data" / "link-in").symlink_to(tmp_path / "drop" / "file.csv")
    (tmp_path / "data" / "link-own").symlink_to(tmp_path / "data" / "own.sqlite3")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data" / "loop")
    os.mkfifo(tmp_path / "data" / "fifo")
    paths.configure(tmp_path / "data", [tmp_path / "drop"], [tmp_path / "data" / "own.sqlite3"])
    yield tmp_path
    paths.configure(settings.SYNCDECK_DATA_DIR, settings.SYNCDECK_FILE_ROOTS, own_files())


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("file.csv", "data/file.csv"),
        ("sub/file.csv", "data/sub/file.csv"),
        ("sub/../file.csv", "data/file.csv"),
        ("new.sqlite3", "data/new.sqlite3"),
        ("new-folder/new.sqlite3", "data/new-folder/new.sqlite3"),
        ("link-in", "drop/file.csv"),
        ("../drop/file.csv", "drop/file.csv"),
        ("ümläut 1.csv", "data/ümläut 1.csv"),
        ("../data/file.csv", "data/file.csv"),
    ],
)
def test_paths_below_a_root_are_found(house: Path, path: str, found: str) -> None:
    assert paths.checked_path(path) == house / found


def test_absolute_paths_below_a_root_are_found(house: Path) -> None:
    assert paths.checked_path(str(house / "drop" / "file.csv")) == house / "drop" / "file.csv"
    assert paths.checked_path("sub", directory=True) == house / "data" / "sub"


@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        ".",
        "..",
        "sub",
        "../outside/file.csv",
        "../../../../../../etc/passwd",
        "sub/../../outside/file.csv",
        "/etc/passwd",
        "/dev/zero",
        "/proc/self/environ",
        "../data-other/file.csv",
        "link-out/file.csv",
        "link-out/new.csv",
        "link-file",
        "link-own",
        "own.sqlite3",
        "sub/../own.sqlite3",
        "loop",
        "fifo",
        "file.csv\0.txt",
        "\\\\server\\share",
        "..\\outside\\file.csv",
        "x" * 5000,
    ],
)
def test_other_paths_are_refused(house: Path, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        paths.checked_path(path)
    assert caught.value.code == "outside_root"
    assert "SYNCDECK_FILE_ROOTS" in caught.value.hint
    assert len(caught.value.message) < 400


def test_file_where_a_folder_is_wanted_is_refused(house: Path) -> None:
    with pytest.raises(ConfigError, match="is not a folder"):
        paths.checked_path("file.csv", directory=True)


def test_own_database_is_out_of_reach() -> None:
    for name in (*(path.name for path in own_files() if path.parent == Path(settings.SYNCDECK_DATA_DIR)), "secret.key"):
        with pytest.raises(ConfigError):
            paths.checked_path(name)
