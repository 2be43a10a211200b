"""The connectors, job types and schedules of a made-up company, saved by the operations that people use."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.utils import timezone

from connectors.models import ConnectionTest, Connector
from syncjobs.models import Schedule, SyncJobType
from syncjobs.operations.chains import save_chain
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.schedules import save_schedule
from syncjobs.operations.tokens import create_token
from syncjobs.operations.webhooks import create_webhook
from syncjobs.schedule_times import Crontab
from tests.acme.sync_job_types import make_sync_job_types

ACTOR = "anna"
ZONE = "Europe/Berlin"
ORDERS = ("order_id", "INTEGER PRIMARY KEY"), ("customer", "TEXT"), ("total", "REAL"), ("changed_at", "TEXT")
BAD_TEST = "no answer from db.sap.example:5432 within 10 s"
BAD_STEPS: list[dict[str, Any]] = [
    {"name": "resolve", "ok": True, "milliseconds": 4.0, "message": "db.sap.example is 203.0.113.7", "fix": ""},
    {
        "name": "connect",
        "ok": False,
        "milliseconds": 10_003.0,
        "message": BAD_TEST,
        "fix": "Let this machine through the firewall to db.sap.example:5432.",
    },
]


def found_company() -> None:
    """Make everything that stands in the portal before a job has run."""
    _make_connectors()
    _make_types()
    _make_schedules()
    Group.objects.get_or_create(name="Operators")
    ben, _ = User.objects.get_or_create(username="ben", defaults={"email": "ben@example.org", "is_staff": True})
    create_token(ben, name="Nightly build", scopes=["runs:read", "runs:write"], expires_at=None, actor=ACTOR)
    _make_triggers()


def _make_triggers() -> None:
    orders, prices = (SyncJobType.objects.get(slug=slug) for slug in ("orders", "prices"))
    create_webhook(orders, name="Shop orders", actor=ACTOR, context_fields=["order"])
    save_chain(from_type=orders, to_type=prices, when="change", actor=ACTOR)


def _make_connectors() -> None:
    _make_shop_file()
    soda = {"base_url": "http://127.0.0.1:9", "datasets": {"permits": "aaaa-bbbb"}}
    sap = {"host": "db.sap.example", "dbname": "sap", "user": "reader"}
    for slug, name, kind, config, extra in (
        ("shop", "Web shop", "sqlite", {"path": "shop.sqlite3"}, {}),
        ("reports", "Reports", "sqlite", {"path": "reports.sqlite3"}, {"max_concurrency": 4}),
        ("archive", "Archive of the old shop", "sqlite", {"path": "archive.sqlite3"}, {"enabled": False}),
        ("city", "City open data", "soda", soda, {"rate_limit_per_minute": 300}),
        ("sap", "SAP", "postgres", sap, {"credentials": {"password": "made-up-for-a-picture"}}),
    ):
        save_connector(connector_from_shape({"slug": slug, "name": name, "kind": kind, "config": config} | extra))
    now = timezone.now()
    for slug, ok, message, steps in (("shop", True, "", GOOD_STEPS), ("sap", False, BAD_TEST, BAD_STEPS)):
        connector = Connector.objects.get(slug=slug)
        ConnectionTest.objects.create(
            connector=connector, ok=ok, milliseconds=sum(step["milliseconds"] for step in steps), steps=steps
        )
        Connector.objects.filter(slug=slug).update(last_test_ok=ok, last_tested_at=now, last_test_message=message)


GOOD_STEPS: list[dict[str, Any]] = [
    {"name": "open", "ok": True, "milliseconds": 0.8, "message": "The file is a SQLite database.", "fix": ""},
    {"name": "read", "ok": True, "milliseconds": 0.3, "message": "1 table can be read.", "fix": ""},
    {"name": "write", "ok": True, "milliseconds": 1.1, "message": "The folder can be written to.", "fix": ""},
]


def _make_shop_file() -> None:
    path = Path(settings.SYNCDECK_DATA_DIR) / "shop.sqlite3"
    columns = ", ".join(" ".join(column) for column in ORDERS)
    rows = [(1000 + number, f"CUST-{number % 40:05}", 19.9 + number, "2026-11-22 10:00:00") for number in range(300)]
    with sqlite3.connect(path) as shop:
        shop.execute("DROP TABLE IF EXISTS orders")
        shop.execute(f"CREATE TABLE orders ({columns})")
        shop.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    shop.close()


def _make_types() -> None:
    for slug, name, source, stream in (
        ("orders", "Orders", "shop", {"extent": "incremental", "cursor": {"field": "changed_at"}}),
        ("customers", "Customers into the reports", "shop", {}),
        ("prices", "Price list", "shop", {}),
        ("permits", "Building permits", "city", {}),
        ("ledgers", "SAP ledgers", "sap", {}),
    ):
        key = ["order_id"] if slug == "orders" else ["id"]
        common = {"source": slug, "target": slug, "key": key, "mode": "upsert", "extent": "full"}
        shape = {"slug": slug, "name": name, "description": f"{name}, as {source} has them.", "max_retries": 5}
        shape |= {"source_connector": source, "target_connector": "reports", "config": {"streams": [common | stream]}}
        save_job_type(job_type_from_shape(shape), actor=ACTOR)
    make_sync_job_types()


def _make_schedules() -> None:
    for slug, name, line in (
        ("orders", "Orders every quarter of an hour", "*/15 * * * *"),
        ("customers", "Customers at night", "8 2 * * *"),
        ("prices", "Price list on working days", "30 5 * * 1-5"),
        ("ledgers", "SAP ledgers", "0 4 * * *"),
    ):
        job_type = SyncJobType.objects.get(slug=slug)
        save_schedule(job_type=job_type, name=name, rule=Crontab.from_line(line, ZONE), actor=ACTOR)
    reason = "paused itself after 5 runs that failed in a row: no answer from db.sap.example:5432"
    Schedule.objects.filter(job_type__slug="ledgers").update(paused_reason=reason)
