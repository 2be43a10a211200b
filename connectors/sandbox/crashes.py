"""The generated dataset `crashes`, in the shape of the City of Chicago's 85ca-t3if."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from connectors.sandbox.datasets import Edition, Row
from connectors.sandbox.incidents import FATAL, NO_INJURY, Incident, blurred, incidents, local_time, pick, weighted

COLUMNS = {
    "crash_record_id": "text",
    "rd_no": "text",
    "crash_date_est_i": "text",
    "crash_date": "calendar_date",
    "posted_speed_limit": "number",
    "traffic_control_device": "text",
    "device_condition": "text",
    "weather_condition": "text",
    "lighting_condition": "text",
    "first_crash_type": "text",
    "trafficway_type": "text",
    "lane_cnt": "number",
    "alignment": "text",
    "roadway_surface_cond": "text",
    "road_defect": "text",
    "report_type": "text",
    "crash_type": "text",
    "intersection_related_i": "text",
    "hit_and_run_i": "text",
    "damage": "text",
    "date_police_notified": "calendar_date",
    "prim_contributory_cause": "text",
    "sec_contributory_cause": "text",
    "street_no": "number",
    "street_direction": "text",
    "street_name": "text",
    "beat_of_occurrence": "number",
    "num_units": "number",
    "most_severe_injury": "text",
    "injuries_total": "number",
    "injuries_fatal": "number",
    "injuries_incapacitating": "number",
    "injuries_non_incapacitating": "number",
    "injuries_reported_not_evident": "number",
    "injuries_no_indication": "number",
    "injuries_unknown": "number",
    "crash_hour": "number",
    "crash_day_of_week": "number",
    "crash_month": "number",
    "latitude": "number",
    "longitude": "number",
    "location": "point",
}
# From the mildest to the worst.
SEVERITIES = ("UNKNOWN", NO_INJURY, "REPORTED, NOT EVIDENT", "NONINCAPACITATING INJURY", "INCAPACITATING INJURY", FATAL)
POOLS = {
    "posted_speed_limit": weighted({"30": 70, "25": 8, "20": 6, "35": 6, "15": 6, "10": 2, "40": 2}),
    "traffic_control_device": weighted(
        {"NO CONTROLS": 52, "TRAFFIC SIGNAL": 31, "STOP SIGN/FLASHER": 12, "UNKNOWN": 4, "OTHER": 1}
    ),
    "device_condition": weighted({"NO CONTROLS": 53, "FUNCTIONING PROPERLY": 38, "UNKNOWN": 7, "NOT FUNCTIONING": 2}),
    "weather_condition": weighted({"CLEAR": 70, "RAIN": 18, "UNKNOWN": 5, "CLOUDY/OVERCAST": 4, "SNOW": 3}),
    "first_crash_type": weighted(
        {
            "REAR END": 27,
            "PARKED MOTOR VEHICLE": 22,
            "TURNING": 16,
            "ANGLE": 13,
            "SIDESWIPE SAME DIRECTION": 13,
            "FIXED OBJECT": 5,
            "PEDESTRIAN": 3,
            "HEAD ON": 1,
        }
    ),
    "trafficway_type": weighted(
        {
            "NOT DIVIDED": 44,
            "DIVIDED - W/MEDIAN (NOT RAISED)": 18,
            "ONE-WAY": 13,
            "FOUR WAY": 8,
            "PARKING LOT": 8,
            "ALLEY": 4,
            "OTHER": 3,
            "UNKNOWN": 2,
        }
    ),
    "alignment": weighted({"STRAIGHT AND LEVEL": 97, "STRAIGHT ON GRADE": 2, "CURVE, LEVEL": 1}),
    "roadway_surface_cond": weighted({"DRY": 68, "WET": 21, "UNKNOWN": 8, "SNOW OR SLUSH": 2, "ICE": 1}),
    "road_defect": weighted({"NO DEFECTS": 79, "UNKNOWN": 19, "RUT, HOLES": 1, "WORN SURFACE": 1}),
    "report_type": weighted({"NOT ON SCENE (DESK REPORT)": 52, "ON SCENE": 48}),
    "damage": weighted({"OVER $1,500": 65, "$501 - $1,500": 24, "$500 OR LESS": 11}),
    "prim_contributory_cause": weighted(
        {
            "UNABLE TO DETERMINE": 40,
            "FOLLOWING TOO CLOSELY": 14,
            "FAILING TO YIELD RIGHT-OF-WAY": 13,
            "NOT APPLICABLE": 8,
            "IMPROPER BACKING": 5,
            "WEATHER": 2,
        }
    ),
    "sec_contributory_cause": weighted(
        {"NOT APPLICABLE": 48, "UNABLE TO DETERMINE": 42, "DRIVING SKILLS/KNOWLEDGE/EXPERIENCE": 5, "WEATHER": 5}
    ),
}
LANES = weighted({"2": 50, "4": 30, "1": 10, "0": 6, "5": 4})
NIGHT_HOURS = (*range(6), *range(20, 24))


def rows(edition: Edition) -> Iterator[Row]:
    for incident in incidents(edition.today):
        yield _row(incident)


def _row(incident: Incident) -> Row:
    random = incident.random(1)
    details: dict[str, object] = {name: pick(random, pool) for name, pool in POOLS.items()}
    return (
        details
        | _injuries(incident)
        | {
            "crash_record_id": incident.crash_record_id,
            "rd_no": f"SANDBOX{incident.number}",
            "crash_date": incident.crash_date,
            "crash_date_est_i": "Y" if random.random() < 0.06 else None,
            "lighting_condition": "DARKNESS, LIGHTED ROAD" if incident.at.hour in NIGHT_HOURS else "DAYLIGHT",
            "lane_cnt": pick(random, LANES) if random.random() < 0.16 else None,
            "intersection_related_i": "Y" if random.random() < 0.25 else None,
            "hit_and_run_i": "Y" if random.random() < 0.3 else None,
            "date_police_notified": local_time(incident.at + timedelta(minutes=int(random.random() * 240))),
            "street_no": str(incident.street_no),
            "street_direction": incident.street_direction,
            "street_name": blurred(random, incident.street_name),
            "beat_of_occurrence": str(111 + int(random.random() * 2400)),
            "num_units": str(incident.units),
            "crash_hour": str(incident.at.hour),
            "crash_day_of_week": str(incident.at.isoweekday() % 7 + 1),
            "crash_month": str(incident.at.month),
            "latitude": incident.latitude,
            "longitude": incident.longitude,
            "location": incident.point(),
        }
    )


def _injuries(incident: Incident) -> dict[str, object]:
    """The counts by kind; they agree with the records of the people."""
    count = incident.injuries.count
    worst = max(incident.injuries, key=SEVERITIES.index)
    unhurt = count(NO_INJURY) + count("UNKNOWN")
    return {
        "most_severe_injury": None if worst == "UNKNOWN" else worst,
        "crash_type": "NO INJURY / DRIVE AWAY" if worst in SEVERITIES[:2] else "INJURY AND / OR TOW DUE TO CRASH",
        "injuries_total": str(len(incident.injuries) - unhurt),
        "injuries_fatal": str(count(FATAL)),
        "injuries_incapacitating": str(count("INCAPACITATING INJURY")),
        "injuries_non_incapacitating": str(count("NONINCAPACITATING INJURY")),
        "injuries_reported_not_evident": str(count("REPORTED, NOT EVIDENT")),
        "injuries_no_indication": str(count(NO_INJURY)),
        "injuries_unknown": str(count("UNKNOWN")),
    }
