"""The peers: ingestr, sling and dlt as `make bench-peers` installs them, each by its fastest sensible settings.

They run as the commands their users run, and leave their notes in a folder that is thrown away.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psycopg

from tests.benchmarks.flights import ENVIRONMENT
from tests.benchmarks.results import Run
from tests.benchmarks.stream_stack import run_command

Way = Literal["full load", "merge", "by cursor"]
PageWay = Literal["Parquet", "default"]
SINCE = "2014-03-01T00:00:00Z"  # all changes are later, nothing else is
DLT_WAYS = {"full load": "replace", "merge": {"disposition": "merge", "strategy": "upsert"}}
# Records are normalized by both cores, which needs more than one file of them.
DLT_PAGE_WAYS: dict[PageWay, dict[str, str]] = {
    "Parquet": {"NORMALIZE__WORKERS": "2", "DATA_WRITER__FILE_MAX_ITEMS": "75000"},
    "default": {},
}
# Else dlt takes its word of an earlier round that the table is there.
FORGET = (
    "DROP TABLE IF EXISTS _dlt_version, _dlt_loads, _dlt_pipeline_state; DROP SCHEMA IF EXISTS public_staging CASCADE"
)
NO_ENCRYPTION = "?sslmode=disable"  # of the others, which ask for it
INGESTR = ["bin/ingestr", "ingest", "--yes", "--progress", "log", "--no-load-timestamp", "--primary-key", "id"]
INGESTR_WAYS = {
    "full load": ["--incremental-strategy", "replace"],
    "merge": ["--incremental-strategy", "merge"],
    "by cursor": ["--incremental-strategy", "merge", "--incremental-key", "updated_at", "--interval-start", SINCE],
}
SLING = ["run", "--src-conn", "SOURCE", "--tgt-conn", "TARGET", "--tgt-object", "public.flights", "--primary-key", "id"]
SLING_WAYS = {
    "full load": ["--mode", "full-refresh"],
    "merge": ["--mode", "incremental"],
    "by cursor": ["--mode", "incremental", "--update-key", "updated_at"],
}


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer that is installed; `folder` is the home it believes to have."""

    name: str
    source: str
    target: str
    folder: Path

    def run(self, way: Way, table: str) -> Run:
        """Bring the target's `flights` in line with a table of the source."""
        with self._home() as home:
            command = {"ingestr": self._ingestr, "sling": self._sling, "dlt": self._dlt}[self.name.split()[0]]
            return self._run(command(way, table, home), home)

    def run_pages(self, way: PageWay, page: int, columns: dict[str, dict[str, Any]]) -> Run:
        """Fill the target's `crashes` from the pages at `source`. Only dlt can; `columns` are its hints."""
        script, loader = Path(__file__).with_name("dlt_rest_pipeline.py"), "parquet" if way == "Parquet" else ""
        with self._home() as home:
            places = [self.source, self.target, str(page), json.dumps(columns), loader, home]
            return self._run([str(ENVIRONMENT / "bin/python"), str(script), *places], home, **DLT_PAGE_WAYS[way])

    def _home(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(dir=self.folder)

    def _run(self, command: list[str], home: str, **surroundings: str) -> Run:
        with psycopg.connect(self.target, autocommit=True) as connection:
            connection.execute(FORGET)
        surroundings |= {"HOME": home, "SLING_DISABLE_TELEMETRY": "true", "RUNTIME__DLTHUB_TELEMETRY": "false"}
        surroundings |= {"SOURCE": self.source + NO_ENCRYPTION, "TARGET": self.target + NO_ENCRYPTION}
        return run_command(command, environment=surroundings)

    def _ingestr(self, way: Way, table: str, _home: str) -> list[str]:
        program, *options = INGESTR
        places = ["--source-uri", self.source + NO_ENCRYPTION, "--dest-uri", self.target + NO_ENCRYPTION]
        places += ["--source-table", f"public.{table}", "--dest-table", "public.flights"]
        return [str(ENVIRONMENT / program), *options, *places, *INGESTR_WAYS[way]]

    def _sling(self, way: Way, table: str, _home: str) -> list[str]:
        return [str(_sling_program()), *SLING, "--src-stream", f"public.{table}", *SLING_WAYS[way]]

    def _dlt(self, way: Way, table: str, home: str) -> list[str]:
        script, python = Path(__file__).with_name("dlt_pipeline.py"), ENVIRONMENT / "bin/python"
        mode = json.dumps(DLT_WAYS.get(way, DLT_WAYS["merge"]))
        since = SINCE if way == "by cursor" else ""
        return [str(python), str(script), self.source, self.target, table, mode, since, home]


PACKAGES = {"ingestr": "ingestr", "sling": "sling_linux_amd64", "dlt": "dlt"}


@contextmanager
def installed_peers(source: str, target: str, names: Collection[str] = PACKAGES.keys()) -> Iterator[list[Peer]]:
    """Those of these peers that are there; says of those that are not how they come."""
    with tempfile.TemporaryDirectory() as folder:
        versions = {name: _version(PACKAGES[name]) for name in names}
        if missing := [name for name, version in versions.items() if not version]:
            print(f"Not measured, since not installed (make bench-peers): {', '.join(missing)}.")  # noqa: T201
        yield [Peer(f"{name} {version}", source, target, Path(folder)) for name, version in versions.items() if version]


def _version(package: str) -> str:
    found = next(ENVIRONMENT.glob(f"lib/python3*/site-packages/{package}-*.dist-info"), None)
    return found.name.removesuffix(".dist-info").rpartition("-")[2] if found else ""


def _sling_program() -> Path:
    """The binary of its wheel, which pip unpacks without leave to run it."""
    program = next(ENVIRONMENT.glob("lib/python3*/site-packages/sling_linux_amd64/bin/sling-linux-amd64"))
    program.chmod(0o755)
    return program
