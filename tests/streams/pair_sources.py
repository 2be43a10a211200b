"""Awkward records, put into a system of each kind by that system's own means, and what a sync must make of them.

Each record has one value of interest and no other: a good one must arrive exactly, a bad one must be set aside.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg.types.json import Jsonb

from connectors.field_numbers import not_finite_name

BERLIN = dt.timezone(dt.timedelta(hours=2))
TYPES = {
    "id": "integer",
    "a_text": "text",
    "a_number": "decimal",
    "a_big": "bigint",
    "a_float": "float",
    "a_flag": "boolean",
    "a_day": "date",
    "a_time": "datetime",
    "a_json": "json",
    "a_blob": "binary",
    "a_uuid": "uuid",
}
GOOD: list[tuple[str, Any]] = [
    ("a_text", None),
    ("a_text", ""),
    ("a_text", "NULL"),
    ("a_text", " blank before, after "),
    ("a_text", "0012"),
    ("a_text", "🛬 emoji, \u202eright to left, e\u0301 combining, \u2028 line"),
    ("a_text", "'; DROP TABLE items; -- {{7*7}} %s <script> \\N \\."),
    ("a_text", "one\r\ntwo\n\tthree, \"quoted\"; 'single' \\ \x01"),
    ("a_text", "ü" * 500_000),
    ("a_number", Decimal(9007199254740993)),
    ("a_number", Decimal("123456789012345678901234567890")),
    ("a_number", Decimal("-0.123456789012345678901234567891")),
    ("a_number", Decimal("1.50")),
    ("a_big", 9007199254740993),
    ("a_big", -(2**63)),
    ("a_big", 2**63 - 1),
    ("a_float", 0.1),
    ("a_float", -1.7976931348623157e308),
    ("a_float", 5e-324),
    ("a_flag", True),
    ("a_flag", False),
    ("a_day", dt.date(1, 1, 1)),
    ("a_day", dt.date(9999, 12, 31)),
    ("a_day", dt.date(2024, 2, 29)),
    ("a_time", dt.datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=BERLIN)),
    ("a_time", dt.datetime(1, 1, 1, tzinfo=dt.UTC)),
    ("a_time", dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)),
    ("a_json", {"b": [1, 2.5, None, True, {"deep": []}], "ü 🛬": '\u202ee\u0301\\ "', "n": 9007199254740993}),
    ("a_json", [1, None, "x"]),
    ("a_json", {}),
    ("a_json", "a text"),
    ("a_json", 0.1),
    ("a_json", True),
    ("a_blob", bytes(range(256))),
    ("a_blob", b""),
    ("a_uuid", uuid.UUID("12345678-1234-5678-1234-567812345678")),
]


@dataclass(frozen=True)
class Filled:
    """A source as a connector's shape, and its records: {id: (field, value)} of good ones, {id: field} of bad ones.

    `of_some` are bad for some targets only: {id: (field, value, kinds of targets that must refuse it)}.
    """

    shape: dict[str, Any]
    good: dict[int, tuple[str, Any]]
    bad: dict[int, str]
    of_some: dict[int, tuple[str, Any, frozenset[str]]] = field(default_factory=dict)


ROUNDED = '{"n": 0.12345678901234567891}'
ESCAPED = {"nul": "a\0b"}


KEEP_NO_FLOAT = {"NaN": frozenset({"sqlite", "jsonl"}), "Infinity": frozenset({"jsonl"})}
KEEP_NO_DECIMAL = frozenset({"sqlite", "jsonl", "parquet"})


def _judged(bad: dict[int, Any]) -> tuple[dict[int, str], dict[int, tuple[str, Any, frozenset[str]]]]:
    """The fields of records that are bad for all targets, and those that are for some: numbers that are not finite."""
    names, of_some = {}, {}
    for number, (field_name, value, *_) in bad.items():
        found = not_finite_name(value) if field_name in ("a_float", "a_number") else None
        if found is None:
            names[number] = field_name
        else:
            by_name = KEEP_NO_FLOAT[found.lstrip("-")]
            of_some[number] = (field_name, found, by_name if field_name == "a_float" else KEEP_NO_DECIMAL)
    return names, of_some


def _numbered(values: list[Any], start: int) -> dict[int, Any]:
    return dict(enumerate(values, start))


GOOD_ONES: dict[int, tuple[str, Any]] = _numbered(GOOD, 1)

# 1. PostgreSQL: what its own types can hold and others cannot.

POSTGRES_BAD = [
    ("a_number", "NaN"),
    ("a_number", "Infinity"),
    ("a_float", "NaN"),
    ("a_float", "-Infinity"),
    ("a_day", "infinity"),
    ("a_day", "0044-03-15 BC"),
    ("a_day", "10000-01-01"),
    ("a_time", "-infinity"),
    ("a_time", "294276-12-31 23:59:59Z"),
    ("a_json", ROUNDED),
]


def fill_postgres(url: str, config: dict[str, Any], password: str) -> Filled:
    """The table items_in, with its own types."""
    natives = ["int", "text", "numeric", "bigint", "float8", "boolean", "date", "timestamptz", "jsonb", "bytea", "uuid"]
    bad = _numbered(POSTGRES_BAD, 1001)
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("DROP TABLE IF EXISTS items_in")
        columns = ", ".join(f"{name} {native}" for name, native in zip(TYPES, natives, strict=True))
        session.execute(f"CREATE TABLE items_in ({columns}, PRIMARY KEY (id))".encode())
        for number, (name, value) in (GOOD_ONES | bad).items():
            sent = Jsonb(value) if name == "a_json" and number < 1001 else value
            session.execute(f"INSERT INTO items_in (id, {name}) VALUES (%s, %s)".encode(), (number, sent))  # noqa: S608
    shape = {"slug": "source", "kind": "postgres", "config": config, "credentials": {"password": password}}
    return Filled(shape, GOOD_ONES, *_judged(bad))


# 2. SQLite: any value in any column.

SQLITE_BAD: list[tuple[str, Any]] = [
    ("a_text", "nul \0 inside"),
    ("a_number", "NaN"),
    ("a_number", "1e99999"),
    ("a_big", "many"),
    ("a_big", 1e30),
    ("a_float", float("inf")),
    ("a_flag", 2),
    ("a_day", "0000-00-00"),
    ("a_day", "2026-02-30"),
    ("a_day", "10000-01-01"),
    ("a_time", "2026-02-28T12:00:00 Mars/Base"),
    ("a_json", "{"),
    ("a_json", '{"a": NaN}'),
    ("a_json", ROUNDED),
    ("a_uuid", "12345678"),
]
SQLITE_ESCAPES = [("a_json", json.dumps(ESCAPED), ESCAPED)]


def text_of(name: str, value: Any) -> Any:
    """A good value as texts have it."""
    match value:
        case _ if name == "a_json":
            return json.dumps(value, ensure_ascii=False)
        case dt.date():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case bool():
            return str(value).lower()
        case float():
            return repr(value)
    return None if value is None else str(value)


def fill_sqlite(folder: Path) -> Filled:
    """The table items_in of the file in.sqlite3."""
    natives = ["INTEGER", "TEXT", "DECIMAL_TEXT", "BIGINT", "REAL", "BOOLEAN", "DATE_TEXT", "DATETIME_TEXT"]
    natives += ["JSON_TEXT", "BLOB", "UUID_TEXT"]
    bad = _numbered(SQLITE_BAD, 1001)
    escaped = _numbered(SQLITE_ESCAPES, 3001)
    with closing(sqlite3.connect(folder / "in.sqlite3")) as file, file:
        columns = ", ".join(f"{name} {native}" for name, native in zip(TYPES, natives, strict=True))
        file.execute(f"CREATE TABLE items_in ({columns}, PRIMARY KEY (id))")
        for number, (name, value) in GOOD_ONES.items():
            stored = value if isinstance(value, bytes | int | float) and name != "a_json" else text_of(name, value)
            file.execute(f"INSERT INTO items_in (id, {name}) VALUES (?, ?)", (number, stored))  # noqa: S608
        for number, (name, value, *_) in (bad | escaped).items():
            file.execute(f"INSERT INTO items_in (id, {name}) VALUES (?, ?)", (number, value))  # noqa: S608
        file.execute("INSERT INTO items_in (id, a_text) VALUES (2001, CAST(x'61ff' AS TEXT))")
    shape = {"slug": "source", "kind": "sqlite", "config": {"path": "pairs/in.sqlite3"}}
    names, of_some = _judged(bad)
    of_some |= {number: (name, value, frozenset({"postgres"})) for number, (name, _, value) in escaped.items()}
    return Filled(shape, GOOD_ONES, names | {2001: "a_text"}, of_some)


# 3. Files of lines. Records over 2000 cannot be read, so that nobody knows their number.

TEXT_BAD = [
    ("a_number", "NaN"),
    ("a_number", "Infinity"),
    ("a_number", "9" * 5000),
    ("a_big", str(2**63)),
    ("a_big", "1.5"),
    ("a_float", "NaN"),
    ("a_float", "1e999"),
    ("a_flag", "maybe"),
    ("a_day", "0000-00-00"),
    ("a_day", "2026-02-30"),
    ("a_day", "10000-01-01"),
    ("a_time", "infinity"),
    ("a_time", "2026-02-28T12:00:00 Mars/Base"),
    ("a_blob", "no base64!"),
    ("a_uuid", "12345678"),
]


def _declared() -> dict[str, Any]:
    return {"columns": {"items_in": TYPES}}


def fill_csv(folder: Path) -> Filled:
    """The file items_in.csv with texts in quotes, everything else as it is."""
    bad = _numbered([*TEXT_BAD, ("a_json", "{"), ("a_json", ROUNDED), ("a_text", "nul \0 inside")], 1001)
    escaped = _numbered(SQLITE_ESCAPES, 3001)
    lines = [",".join(TYPES)]

    def add(number: int, name: str, text: str | None) -> None:
        cells = ["" if one != name or text is None else '"' + text.replace('"', '""') + '"' for one in TYPES]
        lines.append(",".join([str(number), *cells[1:]]))

    for number, (name, value) in GOOD_ONES.items():
        add(number, name, text_of(name, value))
    for number, (name, value, *_) in (bad | escaped).items():
        add(number, name, value)
    broken = ["2001,too short", '2002,"a"b,,,,,,,,,', "2003,\udced\udca0\udc80,,,,,,,,,"]  # half of a surrogate pair
    data = "\n".join([*lines, *broken, ""]).encode("utf-8", "surrogateescape")
    (folder / "items_in.csv").write_bytes(data)
    shape = {"slug": "source", "kind": "files", "config": {"root": "pairs", "format": "csv", **_declared()}}
    names, of_some = _judged(bad)
    of_some |= {number: (name, value, frozenset({"postgres"})) for number, (name, _, value) in escaped.items()}
    return Filled(shape, GOOD_ONES, names | dict.fromkeys((2001, 2002, 2003), ""), of_some)


def fill_jsonl(folder: Path) -> Filled:
    """The file items_in.jsonl with values as JSON has them, numbers as numbers."""
    bad = _numbered([("a_text", "nul \0 inside"), ("a_text", "half \ud800"), *TEXT_BAD], 1001)
    escaped = _numbered([("a_json", "", ESCAPED)], 3001)
    lines = []
    for number, (name, value) in GOOD_ONES.items():
        text = str(value) if isinstance(value, Decimal) else json.dumps(text_of(name, value))
        if name == "a_json" or isinstance(value, bool | int | float | None):
            text = json.dumps(value)
        lines.append(f'{{"id":{number},"{name}":{text}}}')
    lines += [json.dumps({"id": number, name: value}) for number, (name, value) in bad.items()]
    lines += [json.dumps({"id": number, name: value}) for number, (name, _, value) in escaped.items()]
    lines += ['{"id":2001,"a_float":NaN}', '{"id":2002', f'{{"id":2003,"a_json":{ROUNDED}}}']
    (folder / "items_in.jsonl").write_text(
        "\n".join([*lines, '{"id":2004,"a_text":"\udcff"}', ""]), "utf-8", "surrogateescape"
    )
    shape = {"slug": "source", "kind": "files", "config": {"root": "pairs", "format": "jsonl", **_declared()}}
    names, of_some = _judged(bad)
    of_some |= {number: (name, value, frozenset({"postgres"})) for number, (name, _, value) in escaped.items()}
    return Filled(shape, GOOD_ONES, names | dict.fromkeys((2001, 2002, 2003, 2004), ""), of_some)


# 4. Parquet, written by its own library.

ARROW = {
    "id": pa.int32(),
    "a_text": pa.string(),
    "a_number": pa.decimal256(70, 35),
    "a_big": pa.int64(),
    "a_float": pa.float64(),
    "a_flag": pa.bool_(),
    "a_day": pa.date32(),
    "a_time": pa.timestamp("us", tz="Europe/Berlin"),
    "a_json": pa.json_(pa.string()),
    "a_blob": pa.binary(),
    "a_uuid": pa.uuid(),
}


def fill_parquet(folder: Path) -> Filled:
    """The file items_in.parquet."""
    bad: dict[int, tuple[str, Any]] = _numbered(
        [
            ("a_text", "nul \0 inside"),
            ("a_text", b"no utf-8 \xff"),
            ("a_float", float("nan")),
            ("a_float", float("inf")),
            ("a_day", 2**30),
            ("a_time", 2**62),
            ("a_json", "{"),
            ("a_json", ROUNDED),
        ],
        1001,
    )
    escaped = _numbered(SQLITE_ESCAPES, 3001)
    rows = {number: (name, value) for number, (name, value, *_) in (GOOD_ONES | bad | escaped).items()}
    columns = [_arrow_column(name, kind, rows) for name, kind in ARROW.items()]
    table = pa.Table.from_arrays(columns, schema=pa.schema(list(ARROW.items())))
    pq.write_table(table, folder / "items_in.parquet", row_group_size=20)
    shape = {"slug": "source", "kind": "files", "config": {"root": "pairs", "format": "parquet"}}
    names, of_some = _judged(bad)
    of_some |= {number: (name, value, frozenset({"postgres"})) for number, (name, _, value) in escaped.items()}
    return Filled(shape, GOOD_ONES, names, of_some)


def _arrow_column(name: str, kind: pa.DataType, rows: dict[int, tuple[str, Any]]) -> pa.Array:
    if name == "id":
        return pa.array(list(rows), kind)
    values = [value if column == name else None for column, value in rows.values()]
    if name == "a_text":  # bytes that are no UTF-8 come in unseen
        parts = [value.encode() if isinstance(value, str) else value for value in values]
        return pa.array(parts, pa.binary()).view(pa.string())
    if name == "a_json":
        good = {number for number, (column, _) in GOOD_ONES.items() if column == name}
        pairs = zip(rows, values, strict=True)
        texts = [json.dumps(value) if number in good else value for number, value in pairs]
        return pa.ExtensionArray.from_storage(kind, pa.array(texts, pa.string()))
    if name == "a_uuid":
        parts = [value.bytes if value else None for value in values]
        return pa.ExtensionArray.from_storage(kind, pa.array(parts, pa.binary(16)))
    if name == "a_day":
        epoch = dt.date(1970, 1, 1)
        days = [(value - epoch).days if isinstance(value, dt.date) else value for value in values]
        return pa.array(days, pa.int32()).cast(kind)
    if name == "a_time":
        start = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        moments = [
            (value - start) // dt.timedelta(microseconds=1) if isinstance(value, dt.datetime) else value
            for value in values
        ]
        return pa.array(moments, pa.int64()).cast(kind)
    return pa.array(values, kind)


# 5. SODA: the types that it has, as its protocol spells them.

SODA_TYPES = {"id": "number", "a_text": "text", "a_number": "number", "a_flag": "checkbox", "a_time": "fixed_timestamp"}
SODA_TYPES |= {"a_json": "location"}


def soda_records() -> tuple[list[dict[str, Any]], Filled]:
    """Records as a portal's JSON has them; the shape lacks the address."""
    good = {number: one for number, one in GOOD_ONES.items() if one[0] in SODA_TYPES and not _is_plain_json(*one)}
    bad = _numbered(
        [
            ("a_text", "nul \0 inside"),
            ("a_text", "half \ud800"),
            ("a_number", "NaN"),
            ("a_flag", "maybe"),
            ("a_time", "2026-02-30T00:00:00.000"),
            ("a_json", {"n": Decimal("0.12345678901234567891")}),
        ],
        1001,
    )
    numbers = {number for number, (name, _) in good.items() if name == "a_number"}
    records: list[dict[str, Any]] = []
    for number, (name, value) in (good | bad).items():
        spelled = value if name == "a_json" or number > 1000 or isinstance(value, bool) else text_of(name, value)
        record: dict[str, Any] = {":id": f"row-{number:05}", "id": str(number)}
        if value is not None:
            record[name] = Decimal(spelled) if number in numbers and number % 2 else spelled
        records.append(record)
    records.append({":id": "row-90000", "id": "4001", "a_json": ESCAPED})
    names, of_some = _judged(bad)
    return records, Filled({}, good, names, of_some | {4001: ("a_json", ESCAPED, frozenset({"postgres"}))})


def _is_plain_json(name: str, value: Any) -> bool:
    return name == "a_json" and not isinstance(value, dict | list)
