"""The generated dataset `vehicles`, in the shape of the City of Chicago's 68nd-jvt3."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.sandbox.datasets import Edition, Row
from connectors.sandbox.incidents import DIRTY_SHARE, Incident, blurred, incidents, pick, weighted

COLUMNS = {
    "crash_unit_id": "number",
    "crash_record_id": "text",
    "crash_date": "calendar_date",
    "unit_no": "number",
    "unit_type": "text",
    "num_passengers": "number",
    "vehicle_id": "number",
    "make": "text",
    "model": "text",
    "lic_plate_state": "text",
    "vehicle_year": "number",
    "vehicle_defect": "text",
    "vehicle_type": "text",
    "vehicle_use": "text",
    "travel_direction": "text",
    "maneuver": "text",
    "towed_i": "text",
    "occupant_cnt": "number",
    "first_contact_point": "text",
}
POOLS = {
    "unit_type": weighted({"DRIVER": 84, "PARKED": 15, "DRIVERLESS": 1}),
    "lic_plate_state": weighted({"IL": 92, "IN": 5, "WI": 3}),
    "vehicle_defect": weighted({"NONE": 60, "UNKNOWN": 38, "BRAKES": 2}),
    "vehicle_type": weighted(
        {"PASSENGER": 65, "SPORT UTILITY VEHICLE (SUV)": 18, "UNKNOWN/NA": 9, "VAN/MINI-VAN": 5, "PICKUP": 3}
    ),
    "vehicle_use": weighted({"PERSONAL": 70, "UNKNOWN/NA": 20, "RIDESHARE SERVICE": 5, "COMMERCIAL - SINGLE UNIT": 5}),
    "travel_direction": weighted({"N": 25, "S": 25, "W": 22, "E": 22, "UNKNOWN": 6}),
    "maneuver": weighted(
        {
            "STRAIGHT AHEAD": 48,
            "PARKED": 15,
            "SLOW/STOP IN TRAFFIC": 12,
            "TURNING LEFT": 10,
            "BACKING": 8,
            "UNKNOWN/NA": 7,
        }
    ),
    "first_contact_point": weighted({"FRONT": 35, "REAR": 25, "SIDE-LEFT": 14, "SIDE-RIGHT": 14, "UNKNOWN": 12}),
}
MODELS = weighted(
    {
        "CHEVROLET/MALIBU": 10,
        "TOYOTA/CAMRY": 10,
        "NISSAN/ALTIMA": 9,
        "FORD/EXPLORER": 8,
        "HONDA/ACCORD": 8,
        "JEEP/GRAND CHEROKEE": 6,
    }
    | {"HYUNDAI/SONATA": 6, "DODGE/GRAND CARAVAN": 4, "KIA/OPTIMA": 4, "TESLA/MODEL 3": 2}
)
IMPOSSIBLE_YEARS = ("2099", "0", "1869")


def rows(edition: Edition) -> Iterator[Row]:
    for incident in incidents(edition.today):
        yield from _vehicles(incident)


def _vehicles(incident: Incident) -> Iterator[Row]:
    random = incident.random(3)
    for unit in range(1, incident.units + 1):
        make, model = pick(random, MODELS).split("/")
        passengers = int(len(incident.injuries) > incident.units and unit == 1)
        row: dict[str, object] = {name: pick(random, pool) for name, pool in POOLS.items()}
        row |= {
            "crash_unit_id": incident.unit_id(unit),
            "crash_record_id": incident.crash_record_id,
            "crash_date": incident.crash_date,
            "unit_no": str(unit),
            "num_passengers": str(passengers) if passengers else None,
            "vehicle_id": incident.unit_id(unit),
            "make": blurred(random, make),
            "model": blurred(random, model),
            "vehicle_year": _year(random.random(), random.random(), incident.at.year),
            "towed_i": "Y" if random.random() < 0.12 else None,
            "occupant_cnt": str(1 + passengers),
        }
        yield row


def _year(chance: float, share: float, newest: int) -> str | None:
    if chance < DIRTY_SHARE:
        return IMPOSSIBLE_YEARS[int(share * len(IMPOSSIBLE_YEARS))]
    return None if chance < 0.12 else str(newest - int(share * share * 22))
