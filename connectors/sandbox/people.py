"""The generated dataset `people`, in the shape of the City of Chicago's u6pd-qa9d."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.sandbox.datasets import Edition, Row
from connectors.sandbox.incidents import DIRTY_SHARE, NO_INJURY, Incident, blurred, incidents, pick, weighted

COLUMNS = {
    "person_id": "text",
    "person_type": "text",
    "crash_record_id": "text",
    "vehicle_id": "text",
    "crash_date": "calendar_date",
    "seat_no": "text",
    "city": "text",
    "state": "text",
    "zipcode": "text",
    "sex": "text",
    "age": "number",
    "drivers_license_state": "text",
    "drivers_license_class": "text",
    "safety_equipment": "text",
    "airbag_deployed": "text",
    "ejection": "text",
    "injury_classification": "text",
    "hospital": "text",
    "driver_action": "text",
    "driver_vision": "text",
    "physical_condition": "text",
    "bac_result": "text",
}
POOLS = {
    "city": weighted({"CHICAGO": 80, "OAK PARK": 5, "CICERO": 5, "EVANSTON": 5, "CALUMET CITY": 5}),
    "state": weighted({"IL": 94, "IN": 4, "WI": 2}),
    "sex": weighted({"M": 52, "F": 44, "X": 4}),
    "safety_equipment": weighted({"SAFETY BELT USED": 55, "USAGE UNKNOWN": 40, "NONE PRESENT": 5}),
    "airbag_deployed": weighted({"DID NOT DEPLOY": 70, "DEPLOYMENT UNKNOWN": 20, "DEPLOYED, FRONT": 10}),
    "ejection": weighted({"NONE": 98, "UNKNOWN": 2}),
}
DRIVER_POOLS = {
    "drivers_license_class": weighted({"D": 90, "A": 5, "DM": 5}),
    "driver_action": weighted(
        {"NONE": 45, "UNKNOWN": 25, "FOLLOWED TOO CLOSELY": 12, "FAILED TO YIELD": 12, "OTHER": 6}
    ),
    "driver_vision": weighted({"NOT OBSCURED": 55, "UNKNOWN": 43, "PARKED VEHICLES": 2}),
    "physical_condition": weighted({"NORMAL": 80, "UNKNOWN": 18, "FATIGUED/ASLEEP": 2}),
    "bac_result": weighted({"TEST NOT OFFERED": 98, "TEST REFUSED": 2}),
}
HOSPITALS = weighted({"REFUSED": 50, "STROGER": 20, "NORTHWESTERN": 15, "MOUNT SINAI": 15})
IMPOSSIBLE_AGES = ("-1", "150", "999")


def rows(edition: Edition) -> Iterator[Row]:
    for incident in incidents(edition.today):
        yield from _people(incident)


def _people(incident: Incident) -> Iterator[Row]:
    random = incident.random(2)
    for index, injury in enumerate(incident.injuries):
        drives = index < incident.units
        row: dict[str, object] = {name: pick(random, pool) for name, pool in POOLS.items()}
        if drives:
            row |= {name: pick(random, pool) for name, pool in DRIVER_POOLS.items()}
        row |= {
            "person_id": incident.person_id(index),
            "person_type": "DRIVER" if drives else "PASSENGER",
            "crash_record_id": incident.crash_record_id,
            "vehicle_id": incident.unit_id(index % incident.units + 1),
            "crash_date": incident.crash_date,
            "seat_no": None if drives else str(3 + int(random.random() * 4)),
            "city": blurred(random, str(row["city"])),
            "zipcode": str(60601 + int(random.random() * 60)),
            "drivers_license_state": row["state"] if drives else None,
            "age": _age(random.random(), random.random()),
            "injury_classification": injury,
            "hospital": None if injury == NO_INJURY else pick(random, HOSPITALS),
        }
        yield row


def _age(chance: float, share: float) -> str | None:
    if chance < DIRTY_SHARE:
        return IMPOSSIBLE_AGES[int(share * len(IMPOSSIBLE_AGES))]
    return None if chance < 0.25 else str(16 + int(share * share * 75))
