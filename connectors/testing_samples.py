"""Records that the conformance classes fill systems with: plain ones, awkward ones, hostile names."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connectors.records import Field

Row = tuple[Any, ...]

CITY_FIELDS = (
    Field("code", "text", nullable=False),
    Field("name", "text"),
    Field("people", "integer"),
    Field("area", "decimal"),
    Field("founded", "date"),
    Field("updated_at", "datetime"),
)
CITIES: list[Row] = [
    (
        f"C{number:03}",
        None if number % 10 == 7 else f"City {number % 5}",
        number * 1000,
        Decimal(number) / 4,
        dt.date(1900, 1, 1) + dt.timedelta(days=number),
        dt.datetime(2026, 1, 1, 12, 0, number % 60, tzinfo=dt.UTC),
    )
    for number in range(50)
]
TYPED_FIELDS = (
    Field("id", "integer", nullable=False),
    Field("a_text", "text"),
    Field("an_integer", "integer"),
    Field("a_bigint", "bigint"),
    Field("a_decimal", "decimal"),
    Field("a_float", "float"),
    Field("a_boolean", "boolean"),
    Field("a_date", "date"),
    Field("a_datetime", "datetime"),
    Field("a_json", "json"),
    Field("a_binary", "binary"),
    Field("a_uuid", "uuid"),
)
BERLIN = dt.timezone(dt.timedelta(hours=2))
TYPED_ROWS: list[Row] = [
    (
        1,
        "Zürich 🛬 \u202eright to left",
        2**31 - 1,
        9007199254740993,
        Decimal("12345678901234567890.123456789012345678901234567890"),
        0.1,
        True,
        dt.date(2024, 2, 29),
        dt.datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=BERLIN),
        {"b": [1, 2.5, None, True], "a": "ü"},
        bytes(range(256)),
        uuid.UUID("12345678-1234-5678-1234-567812345678"),
    ),
    (
        2,
        "",
        0,
        -(2**63),
        Decimal("0.00"),
        -1e300,
        False,
        dt.date(1, 1, 1),
        dt.datetime(1, 1, 1, tzinfo=dt.UTC),
        [],
        b"",
        None,
    ),
    (3, *[None] * 11),
    (
        4,
        "a\tb\nc\\d'e\"f%s{}",
        -1,
        2**63 - 1,
        Decimal("-0.5"),
        1.5e-7,
        True,
        dt.date(9999, 12, 31),
        None,
        "text",
        b"\0",
        None,
    ),
]
HOSTILE_NAMES = [
    'quo"te',
    "sp ace",
    "select",
    "Ünïcode 🛬",
    "per%s cent {brace} $1 ?1 :x",
    "it's; DROP TABLE canary; --",
    "c0",
    "seq",
    "changed",
    "ctid2",
    "back\\slash",
]


def cities_matching(condition: Callable[[Row], bool]) -> set[str]:
    """The codes of the cities for which the condition holds."""
    return {row[0] for row in CITIES if condition(row)}


EACH_BYTE_IN_BASE64 = (
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVW"
    "V1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6yt"
    "rq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w=="
)
HOSTILE_VALUES = ["'; DROP TABLE canary; --", '"; DROP TABLE canary; --', "$1", "%s", "?", "\\", "{}", "{{7*7}}"]
