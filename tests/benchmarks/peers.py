"""The peers: ingestr, sling and dlt as `make bench-peers` installs them, each by its fastest sensible settings.

They run as the commands their users run, and leave their notes in a folder that is thrown away.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.benchmarks.flights import ENVIRONMENT
from tests.benchmarks.results import Run
from tests.benchmarks.stream_stack import run_command

Way = Literal["full load", "merge", "by cursor"]
SINCE = "2014-03-01T00:00:00Z"  # all changes are later, nothing else is
DLT_WAYS = {"full load": "replace", "merge": {"disposition": "merge", "strategy": "upsert"}}
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
        with tempfile.TemporaryDirectory(dir=self.folder) as home:
            command = {"ingestr": self._ingestr, "sling": self._sling, "dlt": self._dlt}[self.name.split()[0]]
            surroundings = {"HOME": home, "SLING_DISABLE_TELEMETRY": "true", "RUNTIME__DLTHUB_TELEMETRY": "false"}
            surroundings |= {"SOURCE": self.source, "TARGET": self.target}
            return run_command(command(way, table, home), environment=surroundings)

    def _ingestr(self, way: Way, table: str, _home: str) -> list[str]:
        program, *options = INGESTR
        places = ["--source-uri", self.source, "--dest-uri", self.target]
        places += ["--source-table", f"public.{table}", "--dest-table", "public.flights"]
        return [str(ENVIRONMENT / program), *options, *places, *INGESTR_WAYS[way]]

    def _sling(self, way: Way, table: str, _home: str) -> list[str]:
        return [str(_sling_program()), *SLING, "--src-stream", f"public.{table}", *SLING_WAYS[way]]

    def _dlt(self, way: Way, table: str, home: str) -> list[str]:
        script, python = Path(__file__).with_name("dlt_pipeline.py"), ENVIRONMENT / "bin/python"
        mode = json.dumps(DLT_WAYS.get(way, DLT_WAYS["merge"]))
        since = SINCE if way == "by cursor" else ""
        return [str(python), str(script), self.source, self.target, table, mode, since, home]


@contextmanager
def installed_peers(source: str, target: str) -> Iterator[list[Peer]]:
    """The peers that are there; says of those that are not how they come."""
    addresses = f"{source}?sslmode=disable", f"{target}?sslmode=disable"
    with tempfile.TemporaryDirectory() as folder:
        versions = {name: _version(package) for name, package in PACKAGES.items()}
        if missing := [name for name, version in versions.items() if not version]:
            print(f"Not measured, since not installed (make bench-peers): {', '.join(missing)}.")  # noqa: T201
        yield [Peer(f"{name} {version}", *addresses, Path(folder)) for name, version in versions.items() if version]


PACKAGES = {"ingestr": "ingestr", "sling": "sling_linux_amd64", "dlt": "dlt"}


def _version(package: str) -> str:
    found = next(ENVIRONMENT.glob(f"lib/python3*/site-packages/{package}-*.dist-info"), None)
    return found.name.removesuffix(".dist-info").rpartition("-")[2] if found else ""


def _sling_program() -> Path:
    """The binary of its wheel, which pip unpacks without leave to run it."""
    program = next(ENVIRONMENT.glob("lib/python3*/site-packages/sling_linux_amd64/bin/sling-linux-amd64"))
    program.chmod(0o755)
    return program
