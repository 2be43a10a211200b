"""The public shapes of the design's appendix, as the tests of several areas use them."""

from __future__ import annotations

from typing import Any

WAREHOUSE: dict[str, Any] = {"slug": "warehouse", "kind": "sqlite", "config": {"path": "warehouse.sqlite3"}}
ERP: dict[str, Any] = {
    "slug": "erp",
    "kind": "postgres",
    "config": {
        "host": "db.example",
        "port": 5432,
        "dbname": "erp",
        "user": "sync",
        "sslmode": "require",
        "schema": "public",
    },
    "credentials": {"password": "env:ERP_PASSWORD"},
    "max_concurrency": 4,
}
CHICAGO: dict[str, Any] = {
    "slug": "chicago-data-portal",
    "kind": "soda",
    "config": {
        "base_url": "https://data.cityofchicago.org",
        "datasets": {
            "crashes": "85ca-t3if",
            "people": "u6pd-qa9d",
            "vehicles": "68nd-jvt3",
            "fatalities": "gzaz-isa6",
        },
    },
    "credentials": {"app_token": "env:CHICAGO_API_TOKEN"},
}
CONNECTORS = [WAREHOUSE, ERP, CHICAGO]
MAPPING: list[dict[str, Any]] = [
    {
        "to": "icao",
        "from": "icao",
        "type": "text",
        "required": True,
        "transforms": [{"op": "strip"}, {"op": "null_if", "values": ["", "N/A"]}],
    },
    {
        "to": "lat",
        "from": "lat",
        "type": "float",
        "transforms": [{"op": "bounds", "min": -90, "max": 90, "outside": "null"}],
    },
    {"to": "label", "template": "{name} ({icao})"},
    {"to": "source", "value": "airportsdata"},
    {
        "to": "size",
        "case": [{"when": {"field": "elevation", "op": "gt", "value": 5000}, "then": "high"}],
        "else": "low",
    },
]
STREAM: dict[str, Any] = {
    "source": "airports",
    "target": "airports",
    "key": ["icao"],
    "mode": "upsert",
    "extent": "full",
    "batch_size": 50000,
    "filters": [{"field": "country", "op": "in", "value": ["US", "CA"]}],
    "cursor": {"field": "updated_at", "overlap_seconds": 300},
    "window": {"field": "crash_date", "days": 30},
    "columns": None,
    "mapping": MAPPING,
    "on_reject": {"policy": "stop"},
    "schema_policy": {"dropped": "stop", "changed": "stop", "added": "ignore"},
    "target_schema": "create",
}
GUARDS: dict[str, Any] = {"max_delete_share": 0.05, "max_deletes": 500, "min_source_share": 0.5}
AIRPORTS_TYPE: dict[str, Any] = {
    "slug": "airports",
    "name": "Airports",
    "controller": "stream_sync",
    "source_connector": "sandbox",
    "target_connector": "warehouse",
    "queue": "default",
    "timeout": 300,
    "retry_delay": 30,
    "max_retries": 3,
    "config": {"streams": [STREAM]},
    "guards": GUARDS,
}
