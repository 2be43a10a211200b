"""A Syncdeck with its default jobs over a small portal of its own, to be asked by real commands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.core.management import load_command_class

from connectors.sandbox.datasets import DatasetSpec, Row
from connectors.sandbox.server import RunningSandbox, running_sandbox
from syncjobs.operations import default_jobs
from tests.faults.stack import Stack
from tests.isolation import CHECKOUT

AIRPORTS = 30
SODA_TYPES = {"text": "text", "time": "calendar_date"}
POINT_PORTAL_AT = """
from connectors.models import Connector
portal = Connector.objects.get(slug="chicago-data-portal")
portal.config["base_url"] = {url!r}
portal.save_if_unchanged()
answer = True
"""


def crash_datasets() -> dict[str, DatasetSpec]:
    """The four data sets of the default jobs, with the columns of their mappings and two records each."""
    found = {}
    for name, identifier in default_jobs.DATASETS.items():
        kinds = {column: kind for kind, columns in default_jobs.COLUMNS[name].items() for column in columns.split()}
        columns = {column: SODA_TYPES.get(kind, "number") for column, kind in kinds.items()}
        rows: list[Row] = [{**RECORDS[name], **dict.fromkeys(default_jobs.KEYS[name][-1:], key)} for key in ("1", "2")]
        found[name] = DatasetSpec(id=identifier, key=tuple(default_jobs.KEYS[name]), columns=columns, rows=rows)
    return found


WHEN = "2026-11-20T23:30:00.000"
RECORDS: dict[str, dict[str, str]] = {
    "crashes": {"crash_date": WHEN, "street_name": "  LAKE   SHORE DR ", "damage": "unk", "latitude": "41.6"}
    | {"longitude": "-87.4", "weather_condition": "Unknown", "num_units": "2"},
    "people": {"crash_record_id": "a", "crash_date": WHEN, "city": "n/a", "age": "121", "sex": "X"},
    "vehicles": {"crash_record_id": "a", "crash_date": WHEN, "make": "NULL", "vehicle_year": "1899", "unit_no": "1"},
    "fatalities": {"crash_date": WHEN, "victim": "UNKNOWN", "latitude": "42.11", "longitude": "-87.5"},
}


class Said(NamedTuple):
    """What a command answered."""

    code: int
    output: str
    errors: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output)
        return found


Ask = Callable[..., Said]


@pytest.fixture
def ask(transactional_db: None, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs a command in this process, just as manage.py does."""

    def run(*arguments: object) -> Said:
        name, *rest = map(str, arguments)
        capsys.readouterr()
        code = 0
        try:
            load_command_class("syncjobs", name).run_from_argv(["manage.py", name, *rest])
        except SystemExit as ending:
            code = int(ending.code or 0)
        output, errors = capsys.readouterr()
        assert "Traceback" not in errors
        return Said(code, output, errors)

    return run


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    columns = dict.fromkeys(("icao", "iata", "name", "city", "subd", "country", "tz", "lid"), "text")
    columns |= dict.fromkeys(("elevation", "lat", "lon"), "number")
    airports = [{"icao": f"K{number:03d}", "name": f"Field {number}", "lat": "1.5"} for number in range(AIRPORTS)]
    datasets = {"airports": DatasetSpec(id="sand-airp", key=("icao",), columns=columns, rows=airports)}
    path = tmp_path_factory.mktemp("source") / "source.sqlite3"
    with running_sandbox(path, datasets=datasets | crash_datasets()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, source: RunningSandbox) -> Iterator[House]:
    """Default jobs and the demo's, their sources here; no process runs."""
    running = House(tmp_path_factory.mktemp("house") / "data")
    try:
        url = source.url.rstrip("/")
        running.manage("seed_defaults", "--demo", "--sandbox-url", url)
        running.python(POINT_PORTAL_AT.format(url=url))
        yield running
    finally:
        running.stop()


class House(Stack):
    """Answers with everything that a command says."""

    def ask(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self._environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def begin(self, *arguments: str, **options: object) -> subprocess.Popen[str]:
        """Start a command that the test will interrupt."""
        process: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self._environment,
            text=True,
            start_new_session=True,
            **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
        )
        self._processes.append(process)  # ended with the house, should its test fail
        return process
