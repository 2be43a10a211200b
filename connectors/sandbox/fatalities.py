"""The generated dataset `fatalities`, in the shape of the City of Chicago's gzaz-isa6."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.sandbox.datasets import Edition, Row
from connectors.sandbox.incidents import ATTRIBUTION, FATAL, Incident, incidents

COLUMNS = {
    "person_id": "text",
    "rd_no": "text",
    "crash_date": "calendar_date",
    "crash_location": "text",
    "victim": "text",
    "crash_circumstances": "text",
    "longitude": "number",
    "latitude": "number",
    "location": "point",
}


def rows(edition: Edition) -> Iterator[Row]:
    for incident in incidents(edition.today):
        for index, injury in enumerate(incident.injuries):
            if injury == FATAL:
                yield _row(incident, index)


def _row(incident: Incident, index: int) -> Row:
    victim = "DRIVER" if index < incident.units else "PASSENGER"
    return {
        "person_id": incident.person_id(index),
        "rd_no": f"SANDBOX{incident.number}",
        "crash_date": incident.crash_date,
        "crash_location": f"{incident.street_no} {incident.street_direction} {incident.street_name}",
        "victim": victim,
        "crash_circumstances": f"{victim} in a crash of {incident.units}. {ATTRIBUTION}.",
        "longitude": incident.longitude,
        "latitude": incident.latitude,
        "location": incident.point(),
    }
