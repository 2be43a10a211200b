"""The airports of the world from the package airportsdata, and the same aged a little as a previous release."""

from __future__ import annotations

import csv
import importlib.resources
import zlib
from collections.abc import Iterator, Mapping

from connectors.sandbox.datasets import DatasetSpec, Edition
from connectors.sandbox.errors import SandboxError

Airport = Mapping[str, str | None]

COLUMNS = {
    "icao": "text",
    "iata": "text",
    "name": "text",
    "city": "text",
    "subd": "text",
    "country": "text",
    "elevation": "number",
    "lat": "number",
    "lon": "number",
    "tz": "text",
    "lid": "text",
}
# Of each thousand airports, told apart by a checksum of their code: not yet there, and changed since.
MISSING_PER_THOUSAND = 3
CHANGED_PER_THOUSAND = 12
# As many that have closed since; no real code has this form.
CLOSED = 40


def airports_dataset() -> DatasetSpec:
    return DatasetSpec(
        id="sand-airp",
        key=("icao",),
        columns=COLUMNS,
        rows=airports,
        title="Airports",
        description="Airports of the world with their codes, positions and time zones, from the Python package "
        "airportsdata. The release 'previous' is the same data aged by Syncdeck's sandbox: some airports missing, "
        "some closed since, some different.",
        attribution="airportsdata",
    )


def airports(edition: Edition) -> Iterator[Airport]:
    """The airports of a release. Raises SandboxError when the package is missing."""
    current = read_airports()
    return current if edition.release == "current" else previous_release(current)


def read_airports() -> Iterator[Airport]:
    # The file is read without importing the package, whose interface builds a dictionary of dictionaries first.
    try:
        text = importlib.resources.files("airportsdata").joinpath("airports.csv").read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise SandboxError(
            "The sandbox serves the airports of the package airportsdata, which is missing; "
            "the extra `demo` brings it: pip install 'syncdeck[demo]'."
        ) from error
    for record in csv.DictReader(text.splitlines()):
        yield {name: record[name] or None for name in COLUMNS}


def previous_release(current: Iterator[Airport]) -> Iterator[Airport]:
    """The same airports some time ago; which of them differ depends on their codes alone."""
    closed = 0
    for airport in current:
        mark = zlib.crc32(str(airport["icao"]).encode()) % 1000
        if mark >= MISSING_PER_THOUSAND:
            changed = mark < MISSING_PER_THOUSAND + CHANGED_PER_THOUSAND
            yield _as_before(airport, mark) if changed else airport
        elif closed < CLOSED:
            closed += 1
            yield {
                **airport,
                "icao": f"X-{closed:02d}",
                "iata": None,
                "lid": None,
                "name": f"{airport['city']} Old Field",
            }


def _as_before(airport: Airport, mark: int) -> Airport:
    if mark % 3 == 0:
        return {**airport, "name": f"{airport['name']} (provisional)"}
    if mark % 3 == 1:
        return {**airport, "elevation": str(float(airport["elevation"] or 0) + 10)}
    return {**airport, "city": None, "iata": None} if airport["city"] else {**airport, "tz": "UTC"}
