"""`make bench`: an HTTP source into a database, as a ratio to the limit measured in the same rounds.

The limit is what no sync can undercut: download the same pages, decode them, and load the rows into an empty table
without key, mapping, comparison, changes or checkpoint. Seconds are the job's own `time_taken`. Prints a table.
"""

from __future__ import annotations

import logging
import os
import resource
import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.isolation import DATA_DIR

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

import django

django.setup()

import psycopg  # noqa: E402
import requests  # noqa: E402
from django.core.management import call_command  # noqa: E402

from connectors.sandbox.server import RunningSandbox, running_sandbox  # noqa: E402
from syncjobs.models import SyncJob, SyncJobType  # noqa: E402
from syncjobs.operations.connectors import connector_from_shape, save_connector  # noqa: E402
from syncjobs.operations.default_jobs import AIRPORTS, sandbox_connector  # noqa: E402
from syncjobs.operations.job_types import job_type_from_shape, run_job_type, save_job_type  # noqa: E402
from syncjobs.operations.jobs import run_queued_job_here  # noqa: E402
from syncjobs.statuses import Trigger  # noqa: E402
from tests.postgres_server import PostgresServer, find_binaries  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
PAGE = 10_000
COLUMNS = ("icao", "iata", "name", "city", "subd", "country", "elevation", "lat", "lon", "tz", "lid")
Row = tuple[Any, ...]
Load = Callable[[Iterator[list[Row]]], None]


def pages(url: str) -> Iterator[list[Row]]:
    last = ""
    with requests.Session() as session:
        while True:
            query = {
                "$select": ":id," + ",".join(COLUMNS),
                "$where": f":id > '{last}'",
                "$order": ":id",
                "$limit": PAGE,
            }
            records = session.get(f"{url}/resource/sand-airp.json", params={k: str(v) for k, v in query.items()}).json()
            if not records:
                return
            yield [tuple(record.get(name) for name in COLUMNS) for record in records]
            last = records[-1][":id"]


def load_into_sqlite(path: Path) -> Load:
    def load(batches: Iterator[list[Row]]) -> None:
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"CREATE TABLE airports ({', '.join(COLUMNS)})")
            for batch in batches:
                places = ", ".join("?" * len(COLUMNS))
                connection.executemany(f"INSERT INTO airports VALUES ({places})", batch)  # noqa: S608 - our own names
                connection.commit()

    return load


def load_into_postgres(url: str) -> Load:
    def load(batches: Iterator[list[Row]]) -> None:
        with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS plain")
            cursor.execute(f"CREATE TABLE plain ({', '.join(f'{name} text' for name in COLUMNS)})")
            for batch in batches:
                with cursor.copy("COPY plain FROM STDIN") as copy:
                    for row in batch:
                        copy.write_row(row)

    return load


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def run(job_type: SyncJobType, **options: Any) -> SyncJob:
    job = run_queued_job_here(run_job_type(job_type, trigger=Trigger.CLI, actor="bench", **options), print)
    if job.status != "finished":
        sys.exit(f"The job ended {job.status}: {job.failure}")
    return job


def make_type(slug: str, target: dict[str, Any]) -> SyncJobType:
    save_connector(connector_from_shape(target | {"slug": slug}))
    return save_job_type(
        job_type_from_shape(AIRPORTS | {"slug": f"airports-{slug}", "target_connector": slug}), actor=""
    )


def measure(name: str, sandbox: RunningSandbox, job_type: SyncJobType, empty: Callable[[], None], load: Load) -> None:
    times: dict[str, list[float]] = {"limit": [], "first load": [], "nothing changed": [], "1 % changed": []}
    for number in range(ROUNDS):
        times["limit"].append(seconds(lambda: load(pages(sandbox.url.rstrip("/")))))
        empty()
        first = run(job_type)
        times["first load"].append(first.time_taken or 0)
        times["nothing changed"].append(run(job_type).time_taken or 0)
        keys = [change.key["icao"] for change in first.changes.all()[:283]]
        sandbox.change_rows("airports", [{"icao": key, "city": f"{name}, round {number}"} for key in keys])
        changed = run(job_type)
        times["1 % changed"].append(changed.time_taken or 0)
        if changed.counts["updated"] != len(keys):
            sys.exit(f"Expected {len(keys)} updates, got {changed.counts}")
    limit = statistics.median(times["limit"])
    print(f"\n{name}: {first.counts['read']:,} records, medians of {ROUNDS} rounds")  # noqa: T201
    for what, measured in times.items():
        median = statistics.median(measured)
        print(f"  {what:<16} {median:6.2f} s   {median / limit:5.2f} x the limit")  # noqa: T201


def main() -> None:
    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)
    with running_sandbox(DATA_DIR / "sandbox.sqlite3") as sandbox:
        save_connector(connector_from_shape(sandbox_connector(sandbox.url.rstrip("/"))))
        file = DATA_DIR / "bench.sqlite3"
        in_sqlite = make_type("file", {"kind": "sqlite", "config": {"path": file.name}})
        measure("Into SQLite", sandbox, in_sqlite, lambda: remove(file), load_into_sqlite(DATA_DIR / "plain.sqlite3"))
        if binaries := find_binaries():
            server = PostgresServer(binaries)
            try:
                measure_postgres(sandbox, server.create_database())
            finally:
                server.stop()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"\nPeak memory of this process, sandbox included: {peak} MB")  # noqa: T201


def measure_postgres(sandbox: RunningSandbox, address: str) -> None:
    url = urlsplit(address)
    config = {"host": url.hostname, "port": url.port, "user": url.username, "dbname": url.path.strip("/")}
    config |= {"sslmode": "disable", "schema": "public"}
    target = {"kind": "postgres", "config": config, "credentials": {"password": url.password}}
    job_type = make_type("postgres", target)

    def empty() -> None:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS airports")

    measure("Into PostgreSQL", sandbox, job_type, empty, load_into_postgres(address))


def remove(file: Path) -> None:
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()


if __name__ == "__main__":
    try:
        main()
    finally:
        with suppress(OSError):
            shutil.rmtree(DATA_DIR)
