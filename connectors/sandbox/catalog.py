"""The datasets the sandbox serves unless it is given others: the airports, and the four of the default jobs."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.sandbox import crashes, fatalities, people, vehicles
from connectors.sandbox.airports import airports_dataset
from connectors.sandbox.datasets import DatasetSpec, RowSource
from connectors.sandbox.incidents import ATTRIBUTION


def standard_datasets() -> dict[str, DatasetSpec]:
    """By name; the generated ones under the identifiers the City of Chicago's portal uses for the real data sets."""
    return {
        "airports": airports_dataset(),
        "crashes": _generated("85ca-t3if", "Crashes", ("crash_record_id",), crashes.COLUMNS, crashes.rows),
        "people": _generated("u6pd-qa9d", "People", ("crash_record_id", "person_id"), people.COLUMNS, people.rows),
        "vehicles": _generated("68nd-jvt3", "Vehicles", ("crash_unit_id",), vehicles.COLUMNS, vehicles.rows),
        "fatalities": _generated("gzaz-isa6", "Fatalities", ("person_id",), fatalities.COLUMNS, fatalities.rows),
    }


def _generated(
    identifier: str, title: str, key: tuple[str, ...], columns: Mapping[str, str], rows: RowSource
) -> DatasetSpec:
    return DatasetSpec(
        id=identifier,
        key=key,
        columns=columns,
        rows=rows,
        title=f"Traffic Crashes - {title} (generated)",
        description=f"{ATTRIBUTION}. The columns are those of the City of Chicago's data set {identifier}, "
        "and so are the kinds of wrong and missing values.",
        attribution=ATTRIBUTION,
        notice=ATTRIBUTION,
    )
