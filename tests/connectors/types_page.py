"""Writes docs/types.md from what the code does: `python -m tests.connectors.types_page > docs/types.md`."""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from connectors import files_csv, files_jsonl, postgres_dialect, soql, sqlite_catalog
from connectors.files_parquet_values import field_of
from connectors.files_parquet_writing import ARROW_TYPES
from connectors.files_settings import FileFormat
from connectors.records import TYPES, Field, FieldType, decode_value, encode_value
from connectors.sqlite_dialect import storing

SAMPLES: dict[FieldType, Any] = {
    "text": "Zürich",
    "integer": 42,
    "bigint": 9007199254740993,
    "decimal": Decimal("12345678901234567890.50"),
    "float": 0.1,
    "boolean": True,
    "date": dt.date(2026, 11, 23),
    "datetime": dt.datetime(2026, 11, 23, 2, 30, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    "json": {"a": [1, None]},
    "binary": b"\0\xff",
    "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
}
ARROW_SAMPLES = [
    *(pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.time64("us"), pa.duration("us")),
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
    *(pa.float16(), pa.float32(), pa.float64(), pa.decimal128(38, 2), pa.decimal256(76, 2), pa.bool_()),
    *(pa.date32(), pa.date64(), pa.timestamp("us"), pa.timestamp("ns", tz="UTC"), pa.binary(), pa.binary(16)),
    *(pa.list_(pa.int32()), pa.struct({"a": pa.int32()}), pa.map_(pa.string(), pa.int32())),
    *(pa.json_(pa.string()), pa.uuid(), pa.null()),
]
TRIED: dict[FieldType, list[Any]] = {
    "text": ["", True, Decimal("1.50"), {"a": 1}, "a\0b", "\ud800", b"\0"],
    "integer": ["42", 42.0, " 7 ", 2**31, "1.5", "many", True],
    "bigint": ["9007199254740993", 2**63, "1e3"],
    "decimal": ["1.50", "1e30", 0.1, "NaN", "Infinity", "9" * 1001, "1,5"],
    "float": ["0.1", "1e999", "NaN", "Infinity"],
    "boolean": ["true", "T", "yes", 1, "0", "maybe", 2],
    "date": [
        "2026-11-23",
        "2026-11-23T02:30:00Z",
        "0000-00-00",
        "2026-02-30",
        "10000-01-01",
        "infinity",
        "0044-03-15 BC",
    ],
    "datetime": [
        *("2026-11-23T02:30:00+01:00", "2026-11-23 02:30:00", "2026-11-23", "2026-11-23T02:30:00.123456789Z"),
        *("2026-02-28T12:00:00 Mars/Base", "9999-12-31T23:30:00-01:00", "infinity"),
    ],
    "json": ['{"a": 1}', "null", '"text"', "text", "{", '{"a": NaN}', '{"a": 0.12345678901234567891}'],
    "binary": ["AP8=", "no base64!"],
    "uuid": ["12345678-1234-5678-1234-567812345678", "{12345678123456781234567812345678}", "12345678"],
}
HEAD = """# Types

Every connector speaks of the same eleven types of fields. This page says what each becomes in each kind of system, what
is read as it, what is taken for it, and what is refused. `python -m tests.connectors.types_page > docs/types.md` writes
it from the code, and a test compares both. `tests/streams/test_pairs.py` runs each kind as source with each as target.

A value arrives exactly, or its record does not fit: then the job ends in Error and names it, or under `on_reject:
quarantine` it is set aside. What may change on the way is only this, whatever the kinds are:

- Times are kept in UTC to the microsecond: further digits are cut off, and a time without a zone is one in UTC (of kind
  `soda` in the zone of its settings; the transform `datetime` takes a zone).
- JSON is kept by its meaning: the order of names, spaces and the spelling of equal numbers may change, and of a name
  that comes twice the last one counts. Whole numbers have any number of digits; others are of double precision, and one
  that this would round is refused. JSON's `null` and no value are the same.
- Numbers keep their value, not their spelling: 1.50 and 1.5 are equal, and are no change.
- A `date` made from a time is the day that the time itself names.

NUL and halves of surrogate pairs are refused in texts.

## Numbers that are not finite

`NaN`, `Infinity` and `-Infinity`, as numbers or as texts that are meant as numbers (`nan`, `inf` and so on), arrive
exactly where the target holds them, and NaN is the same as NaN there: another run changes nothing.

| type | PostgreSQL | SQLite | CSV | JSON Lines | Parquet |
| --- | --- | --- | --- | --- | --- |
| float | kept | the infinities; NaN is refused, as SQLite has none | kept | refused, as JSON has none | kept |
| decimal | kept; numeric(p,s) takes NaN alone | refused | kept | refused | refused |

Elsewhere, in integers, JSON and keys, they are refused: the record is rejected by key and field, or the mapping makes
them null and counts them (the transform [`finite`](mapping.md)). In a job's changes, where JSON has no such numbers,
the three names stand for them; a revert writes the numbers back.
"""
TARGETS = """
## What a type becomes

A table or file that Syncdeck creates has these types; values are shown as files hold them. A table that was there
before may have others: then the system itself converts, and the job warns of columns that may round or cut. A text is
never cut to fit: one with more characters than varchar(n) takes does not fit, even if they are blanks. In char(n)
blanks at the end mean nothing.
"""
TARGET_NOTES = """
In CSV a text is always in quotes, so that an empty one is told from no value. A decimal column of Parquet has as many
digits as its values need; if that is more than the 76 that there can be, it is a column of texts marked as decimal.
"""
SOURCES = """
## What is read as a type

Columns of CSV are text, unless they are declared or `infer_types` is on. JSON Lines know true, false, texts and
numbers: whole ones are bigint, or decimal if they are larger, others decimal; objects, lists and mixtures are json.
Kind `rest` judges fields that are not declared by the same rule.
"""
SOURCE_NOTES = """
Any other type is read as text: in PostgreSQL by its own cast. In SQLite a part of the declared type's name decides, and
any column may hold anything: a value that is none of its column's type is refused. In Parquet a duration becomes a text
such as `90 us`, and what lies inside of lists, structs and maps is as JSON has it: decimals, dates, times and bytes are
texts there.
"""
VALUES = """
## What is taken and what is refused

Whatever a source gives, mostly as text, is taken for a type like this; other columns of a record do not matter.
"""


def page() -> str:
    """The whole page."""
    return "".join(
        [
            HEAD,
            TARGETS,
            _table(*_targets()),
            TARGET_NOTES,
            SOURCES,
            _table(*_sources()),
            SOURCE_NOTES,
            VALUES,
            _table(*_values()),
        ]
    )


def _targets() -> tuple[Sequence[str], list[list[str]]]:
    rows = []
    for name in TYPES:
        field, value = Field("value", name), SAMPLES[name]
        store = storing(name)
        stored = store(value) if store else value
        in_csv = files_csv.record_writer([field], FileFormat("csv"))([stored]).rstrip("\n")
        in_json = files_jsonl.record_writer([field])([stored]).rstrip("\n")[len('{"value":') : -1]
        arrow = "decimal" if name == "decimal" else _arrow_name(ARROW_TYPES[name])
        rows.append([name, TYPES[name].postgres, TYPES[name].sqlite, _code(in_csv), _code(in_json), arrow])
    return ["type", "PostgreSQL", "SQLite", "CSV", "JSON Lines", "Parquet"], rows


def _sources() -> tuple[Sequence[str], list[list[str]]]:
    postgres = postgres_dialect.FIELD_TYPES | dict.fromkeys(postgres_dialect.TEXTS, "text") | {"arrays": "json"}
    sqlite = {f"…{part}…": name for part, name in sqlite_catalog.BY_PART_OF_NAME}
    arrow = {_arrow_name(kind): field_of(pa.field("x", kind)).type for kind in ARROW_SAMPLES}
    rows = [[name, *(_which(name, one) for one in (postgres, sqlite, arrow, soql.FIELD_TYPES))] for name in TYPES]
    return ["type", "PostgreSQL", "SQLite", "Parquet", "SODA"], rows


def _arrow_name(kind: pa.DataType) -> str:
    return str(kind.extension_name if isinstance(kind, pa.BaseExtensionType) else kind)


def _which(wanted: FieldType, found: dict[str, FieldType]) -> str:
    return ", ".join(native for native, name in found.items() if name == wanted)


def _values() -> tuple[Sequence[str], list[list[str]]]:
    return ["type", "taken", "refused, since it"], [[name, *_judged(name, values)] for name, values in TRIED.items()]


def _judged(name: FieldType, values: Iterable[Any]) -> tuple[str, str]:
    taken, refused = [], []
    for value in values:
        shown = f"{len(value)} digits" if isinstance(value, str) and len(value) > 100 else _code(repr(value))
        try:
            found = _code(repr(encode_value(name, decode_value(name, value))))
        except ValueError as error:
            refused.append(f"{shown}: {error}")
        else:
            taken.append(shown if found == shown else f"{shown} as {found}")
    return "; ".join(taken), "; ".join(refused)


def _code(text: str) -> str:
    return f"`{text}`"


def _table(names: Sequence[str], rows: list[list[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n" + "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
