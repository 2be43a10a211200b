"""The connectors, job types and times that every installation begins with, as data in the public shapes. Pure.

The data are four data sets of the City of Chicago's open data portal. The mappings name only columns that those data
sets have had for years; a column that the city adds is left out until somebody maps it.
"""

from __future__ import annotations

from typing import Any

from syncjobs.schedule_times import Crontab

ZONE = "America/Chicago"
TOKEN_REFERENCE = "env:CHICAGO_API_TOKEN"  # noqa: S105 - a reference, not a secret
DATASETS = {"crashes": "85ca-t3if", "people": "u6pd-qa9d", "vehicles": "68nd-jvt3", "fatalities": "gzaz-isa6"}
KEYS = {
    "crashes": ["crash_record_id"],
    "people": ["crash_record_id", "person_id"],
    "vehicles": ["crash_unit_id"],
    "fatalities": ["person_id"],
}
WINDOW_FIELD = "crash_date"
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600

# 1. Cleaning: the rules by kind of column.
MEANS_NOTHING = ["", "NULL", "N/A", "UNKNOWN", "UNK"]
CLEAN_TEXT = [
    {"op": "strip"},
    {"op": "collapse_spaces"},
    {"op": "null_if", "values": MEANS_NOTHING, "ignore_case": True},
]


def _within(least: object, most: object) -> list[dict[str, Any]]:
    return [{"op": "bounds", "min": least, "max": most, "outside": "null"}]


RULES: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "transforms": CLEAN_TEXT},
    "number": {"type": "integer"},
    "identifier": {"type": "bigint"},
    "time": {"type": "datetime", "transforms": [{"op": "datetime", "zone": ZONE}]},
    "latitude": {"type": "float", "transforms": _within(41.6, 42.1)},
    "longitude": {"type": "float", "transforms": _within(-87.95, -87.5)},
    "age": {"type": "integer", "transforms": _within(0, 120)},
    "vehicle year": {"type": "integer", "transforms": _within(1900, "next_year")},
}
ALWAYS_REQUIRED = {"crash_record_id", WINDOW_FIELD}

# 2. Columns by data set, as {rule: names}.
COLUMNS: dict[str, dict[str, str]] = {
    "crashes": {
        "time": "crash_date date_police_notified",
        "text": "crash_record_id crash_date_est_i traffic_control_device device_condition weather_condition "
        "lighting_condition first_crash_type trafficway_type alignment roadway_surface_cond road_defect report_type "
        "crash_type intersection_related_i hit_and_run_i damage prim_contributory_cause sec_contributory_cause "
        "street_direction street_name most_severe_injury",
        "number": "posted_speed_limit lane_cnt street_no beat_of_occurrence num_units injuries_total injuries_fatal "
        "injuries_incapacitating injuries_non_incapacitating injuries_reported_not_evident injuries_no_indication "
        "injuries_unknown crash_hour crash_day_of_week crash_month",
        "latitude": "latitude",
        "longitude": "longitude",
    },
    "people": {
        "time": "crash_date",
        "text": "crash_record_id person_id person_type vehicle_id seat_no city state zipcode sex drivers_license_state "
        "drivers_license_class safety_equipment airbag_deployed ejection injury_classification hospital driver_action "
        "driver_vision physical_condition bac_result",
        "age": "age",
    },
    "vehicles": {
        "time": "crash_date",
        "identifier": "crash_unit_id vehicle_id",
        "text": "crash_record_id unit_type make model lic_plate_state vehicle_defect vehicle_type vehicle_use "
        "travel_direction maneuver towed_i first_contact_point",
        "number": "unit_no num_passengers occupant_cnt",
        "vehicle year": "vehicle_year",
    },
    "fatalities": {
        "time": "crash_date",
        "text": "person_id rd_no crash_location victim",
        "latitude": "latitude",
        "longitude": "longitude",
    },
}


def mapping_of(dataset: str) -> list[dict[str, Any]]:
    """The mapping of a data set: its key first, then its other columns by kind."""
    key = KEYS[dataset]
    rules = {name: rule for rule, names in COLUMNS[dataset].items() for name in names.split()}
    ordered = [*key, *(name for name in rules if name not in key)]
    return [
        {"to": name, "from": name, "required": name in key or name in ALWAYS_REQUIRED, **RULES[rules[name]]}
        for name in ordered
    ]


def stream_of(dataset: str, days: int, extent: str) -> dict[str, Any]:
    """One stream; its window field also serves explicit ranges of a full extent."""
    return {
        "source": dataset,
        "target": dataset,
        "key": KEYS[dataset],
        "mode": "upsert",
        "extent": extent,
        "window": {"field": WINDOW_FIELD, "days": days},
        "mapping": mapping_of(dataset),
        "on_reject": {"policy": "stop"},
        "target_schema": "create",
    }


# 3. Connectors.
CHICAGO_DATA_PORTAL: dict[str, Any] = {
    "slug": "chicago-data-portal",
    "name": "Chicago Data Portal",
    "kind": "soda",
    "config": {"base_url": "https://data.cityofchicago.org", "datasets": DATASETS, "time_zone": ZONE},
    "credentials": {"app_token": TOKEN_REFERENCE},
}
EMBEDDED_WAREHOUSE: dict[str, Any] = {
    "slug": "warehouse",
    "name": "Warehouse",
    "kind": "sqlite",
    "config": {"path": "warehouse.sqlite3"},
}


# 4. Job types.
def _job_type(slug: str, name: str, description: str, streams: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "name": name,
        "description": description,
        "controller": "stream_sync",
        "source_connector": CHICAGO_DATA_PORTAL["slug"],
        "target_connector": EMBEDDED_WAREHOUSE["slug"],
        "config": {"streams": streams},
        **settings,
    }


def _last_30_days(dataset: str) -> dict[str, Any]:
    return _job_type(
        f"last_30_days_{dataset}",
        f"Last 30 days: {dataset}",
        f"Traffic crashes of the last 30 days, {dataset}. Every day.",
        [stream_of(dataset, 30, "window")],
        timeout=60 * MINUTE,
        max_retries=3,
    )


FULL_REFRESH = "full_refresh"
"""What `initial-load`, `delta` and `sync/trigger` run, each limited to streams and a range."""
JOB_TYPES: list[dict[str, Any]] = [
    _job_type(
        FULL_REFRESH,
        "Full refresh",
        "All traffic crashes with people, vehicles and fatalities. Started by hand, or limited by a range of dates.",
        [stream_of(dataset, 30, "full") for dataset in DATASETS],
        enabled=False,
        timeout=5 * HOUR,
        max_retries=1,
    ),
    *(_last_30_days(dataset) for dataset in ("crashes", "people", "vehicles")),
    _job_type(
        "last_6_months_fatalities",
        "Last 6 months: fatalities",
        "Traffic fatalities of the last 180 days. Every week.",
        [stream_of("fatalities", 180, "window")],
        timeout=30 * MINUTE,
        max_retries=3,
    ),
]

# 5. The demo: a portal of one's own, and the airports of the world.
SANDBOX_SLUG = "sandbox"
SANDBOX_DATASETS = {"airports": "sand-airp", **DATASETS}


def sandbox_connector(base_url: str) -> dict[str, Any]:
    """The demo's source at its present address."""
    return {
        "slug": SANDBOX_SLUG,
        "name": "Sandbox",
        "kind": "soda",
        "config": {"base_url": base_url, "datasets": SANDBOX_DATASETS, "time_zone": ZONE},
    }


def _plain(field_type: str, names: str) -> list[dict[str, Any]]:
    return [{"to": name, "from": name, "type": field_type} for name in names.split()]


AIRPORTS: dict[str, Any] = {
    "slug": "airports",
    "name": "Airports",
    "description": "The airports of the world, from the sandbox into the warehouse.",
    "controller": "stream_sync",
    "source_connector": SANDBOX_SLUG,
    "target_connector": EMBEDDED_WAREHOUSE["slug"],
    "queue": "default",
    "timeout": 300,
    "retry_delay": 30,
    "max_retries": 3,
    "config": {
        "streams": [
            {
                "source": "airports",
                "target": "airports",
                "key": ["icao"],
                "mode": "upsert",
                "extent": "full",
                "mapping": [
                    {"to": "icao", "from": "icao", "type": "text", "required": True},
                    *(
                        {"to": name, "from": name, "type": "text"}
                        for name in ("iata", "name", "city", "subd", "country")
                    ),
                    *({"to": name, "from": name, "type": "float"} for name in ("elevation", "lat", "lon")),
                    *({"to": name, "from": name, "type": "text"} for name in ("tz", "lid")),
                ],
            }
        ]
    },
}

# 6. Times: a little apart, so that the portal is not asked for everything at once; before dawn in Chicago.
TIMES: dict[str, Crontab] = {
    "last_30_days_crashes": Crontab(minute="10", hour="4", zone=ZONE),
    "last_30_days_people": Crontab(minute="20", hour="4", zone=ZONE),
    "last_30_days_vehicles": Crontab(minute="30", hour="4", zone=ZONE),
    "last_6_months_fatalities": Crontab(minute="40", hour="4", day_of_week="sun", zone=ZONE),
}
