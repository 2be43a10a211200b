"""The generated datasets: deterministic, consistent with each other, as dirty as real ones, and said to be invented."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from connectors.sandbox import crashes, fatalities, people, vehicles
from connectors.sandbox.catalog import standard_datasets
from connectors.sandbox.datasets import Edition

TODAY = date(2026, 11, 23)
GENERATED = {"crashes": "85ca-t3if", "people": "u6pd-qa9d", "vehicles": "68nd-jvt3", "fatalities": "gzaz-isa6"}


def shown_rows(name: str, today: date = TODAY) -> list[dict[str, Any]]:
    """The records as SODA 2 shows them."""
    spec = standard_datasets()[name].named(name)
    return [dict(spec.encode(row)) for row in spec.rows_of(Edition("current", today))]


@pytest.mark.parametrize("name", GENERATED)
def test_the_next_day_only_adds_its_own_records(name: str) -> None:
    today, tomorrow = shown_rows(name), shown_rows(name, TODAY + timedelta(days=1))
    assert tomorrow[: len(today)] == today
    added = {row["crash_date"][:10] for row in tomorrow[len(today) :]}
    assert added <= {"2026-11-24"}
    assert added or name == "fatalities"


def test_a_new_month_lets_the_oldest_month_go() -> None:
    before, after = date(2026, 11, 16), date(2026, 11, 17)
    assert min(row["crash_date"] for row in shown_rows("crashes", before)).startswith("2026-04-01")
    assert min(row["crash_date"] for row in shown_rows("crashes", after)).startswith("2026-05-01")


def test_crashes_end_today_and_reach_back_over_all_windows_of_the_default_jobs() -> None:
    days = Counter(row["crash_date"][:10] for row in shown_rows("crashes"))
    assert max(days) == TODAY.isoformat()
    assert min(days) <= (TODAY - timedelta(days=180)).isoformat()
    assert len(days) == (TODAY - date.fromisoformat(min(days))).days + 1
    assert len(set(days.values())) == 1


def test_people_vehicles_and_fatalities_belong_to_crashes() -> None:
    crash_rows = {row["crash_record_id"]: row for row in shown_rows("crashes")}
    people_of = Counter(row["crash_record_id"] for row in shown_rows("people"))
    vehicles_of = Counter(row["crash_record_id"] for row in shown_rows("vehicles"))
    killed = {row["person_id"] for row in shown_rows("people") if row["injury_classification"] == "FATAL"}
    assert people_of.keys() == vehicles_of.keys() == crash_rows.keys()
    assert all(row["num_units"] == str(vehicles_of[key]) for key, row in crash_rows.items())
    assert {row["person_id"] for row in shown_rows("fatalities")} == killed
    assert sum(int(row["injuries_fatal"]) for row in crash_rows.values()) == len(killed) > 20


@pytest.mark.parametrize("name", GENERATED)
def test_the_required_fields_are_always_there_and_keys_are_unique(name: str) -> None:
    spec = standard_datasets()[name].named(name)
    rows = shown_rows(name)
    assert spec.id == GENERATED[name]
    assert len({spec.row_id(row) for row in rows}) == len(rows)
    assert all(row["crash_date"] for row in rows)


def test_there_is_something_for_every_cleaning_rule_of_the_default_jobs() -> None:
    crash_rows, person_rows, vehicle_rows = shown_rows("crashes"), shown_rows("people"), shown_rows("vehicles")
    texts = {row[name] for name in ("street_name",) for row in crash_rows} | {row["make"] for row in vehicle_rows}
    assert {"N/A", "UNKNOWN", "UNK", "NULL"} <= texts
    assert any("  " in text for text in texts)
    assert any(text != text.strip() for text in texts)
    assert any(row.get("latitude") == "0.0" and row.get("longitude") == "0.0" for row in crash_rows)
    assert any("latitude" not in row and "location" not in row for row in crash_rows)
    assert {"-1", "150", "999"} <= {row.get("age") for row in person_rows}
    assert {"2099", "0", "1869"} <= {row.get("vehicle_year") for row in vehicle_rows}


def test_most_values_are_clean() -> None:
    ages = [int(row["age"]) for row in shown_rows("people") if "age" in row]
    assert sum(0 <= age <= 120 for age in ages) / len(ages) > 0.95
    latitudes = [float(row["latitude"]) for row in shown_rows("crashes") if "latitude" in row]
    assert sum(41.6 <= latitude <= 42.1 for latitude in latitudes) / len(latitudes) > 0.95


def test_values_have_the_shape_of_the_real_crashes() -> None:
    row = shown_rows("crashes")[0]
    assert all(isinstance(value, str) for name, value in row.items() if name != "location")
    assert row["location"]["type"] == "Point"
    assert row["crash_date"].endswith(":00.000")
    assert len(row["crash_record_id"]) == 128


@pytest.mark.parametrize("module", [crashes, people, vehicles, fatalities])
def test_every_generated_value_has_its_column(module: Any) -> None:
    rows = [row for row, _ in zip(module.rows(Edition("current", TODAY)), range(500), strict=False)]
    assert {name for row in rows for name in row} == set(module.COLUMNS)


@pytest.mark.parametrize("name", GENERATED)
def test_every_generated_dataset_says_so(name: str) -> None:
    spec = standard_datasets()[name]
    assert spec.attribution == spec.notice == "Generated by Syncdeck's sandbox; not real crashes"
    assert "(generated)" in spec.title
    marked = {"crashes": "rd_no", "fatalities": "rd_no"}.get(name)
    assert marked is None or all(row[marked].startswith("SANDBOX") for row in shown_rows(name))
