"""The real airports, and the release before."""

from __future__ import annotations

import csv
import importlib.resources
import sys
from datetime import date
from pathlib import Path

import pytest
import requests

from connectors.sandbox.airports import Airport, airports, airports_dataset
from connectors.sandbox.datasets import Edition
from connectors.sandbox.errors import SandboxError
from connectors.sandbox.server import running_sandbox

TODAY = date(2026, 11, 23)


def release(name: str) -> dict[str | None, Airport]:
    return {airport["icao"]: airport for airport in airports(Edition(name, TODAY))}


def packaged_airports() -> list[dict[str, str]]:
    text = importlib.resources.files("airportsdata").joinpath("airports.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_the_current_release_is_the_package(tmp_path: Path) -> None:
    packaged = packaged_airports()
    with running_sandbox(tmp_path / "s.sqlite3", datasets={"airports": airports_dataset()}) as sandbox:
        url = f"{sandbox.url}/resource/sand-airp.json"
        assert requests.get(f"{url}?$select=count(*)", timeout=10).json() == [{"count": str(len(packaged))}]
        served = requests.get(f"{url}?$limit=50000", timeout=30).json()
    wanted = [{name: value for name, value in airport.items() if value} for airport in packaged]
    assert sorted(served, key=lambda row: str(row["icao"])) == sorted(wanted, key=lambda row: row["icao"])


def test_the_previous_release_lacks_some_has_closed_ones_and_differs_in_hundreds() -> None:
    current, previous = release("current"), release("previous")
    changed = [icao for icao in current.keys() & previous.keys() if current[icao] != previous[icao]]
    assert 50 <= len(current.keys() - previous.keys()) <= 150
    assert 20 <= len(previous.keys() - current.keys()) <= 60
    assert 200 <= len(changed) <= 500
    assert release("previous") == previous


def test_switching_the_release_really_changes_the_records(tmp_path: Path) -> None:
    current, previous = release("current"), release("previous")
    with running_sandbox(tmp_path / "s.sqlite3", datasets={"airports": airports_dataset()}) as sandbox:
        url = f"{sandbox.url}/sandbox/release"
        counts = requests.post(url, json={"release": "previous"}, timeout=30).json()["airports"]
        assert requests.get(url, timeout=10).json() == {"release": "previous"}
        assert counts["inserted"] == len(previous.keys() - current.keys())
        assert counts["deleted"] == len(current.keys() - previous.keys())
        back = requests.post(url, json={"release": "current"}, timeout=30).json()["airports"]
    assert (back["inserted"], back["updated"], back["deleted"]) == (
        counts["deleted"],
        counts["updated"],
        counts["inserted"],
    )


def test_without_the_package_one_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    # What Python's import system keeps for a module that is known not to be there.
    monkeypatch.setitem(sys.modules, "airportsdata", None)
    with pytest.raises(SandboxError, match=r"airportsdata, which is missing; .*pip install 'syncdeck\[demo\]'\."):
        release("current")
