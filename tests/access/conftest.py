"""The made-up company of tests/pictures, granted to the insiders only, and what everybody is answered in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from connectors.models import Connector
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.seeds import seed_defaults
from tests.access.addresses import Examples, routes
from tests.access.observing import METHODS, Observed, Observer
from tests.access.people import make_people, make_programs
from tests.pictures.company import found_company
from tests.pictures.happenings import happen

LOOKED_FOR = (
    *("/admin/search/?q=shop", "/admin/search/?q=orders", "/admin/records/?key=1001", "/admin/jobs/?type=orders"),
    *("/admin/job-types/?connector=shop", "/admin/rejects/?type=orders", "/admin/schedules/?type=orders"),
    *("/api/v1/jobs/?job_type=orders", "/api/v1/connectors/?search=shop", "/api/v1/rejects/?job_type=orders"),
    *("/api/v1/job-types/?source_connector=shop", "/api/v1/schedules/?job_type=orders"),
)
"""Where somebody would look for what is hidden from them."""
_observed: list[Observed] = []  # by the first test that wants it, for all


@pytest.fixture
def company(db: None, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, SyncJob]]:
    """Its jobs by what they show. Thousands of refusals are not logged."""
    settings.API_REQUESTS_PER_MINUTE = {"read": None, "write": None}
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"  # needs no query
    monkeypatch.setattr(SchemaGenerator, "get_schema", lambda *_, **__: {})  # the document has tests of its own
    User.objects.create(username="anna", is_superuser=True, is_staff=True)
    found_company()
    seed_defaults(actor="tests")
    jobs = happen()
    SyncJobType.objects.filter(source_connector=None).update(source_connector=Connector.objects.get(slug="sap"))
    stream = {"source": "permits", "target": "permits", "key": ["id"], "mode": "upsert", "extent": "full"}
    SyncJobType.objects.filter(slug="full_refresh").update(config={"streams": [stream]})  # its own take half a second
    logging.disable(logging.CRITICAL)
    yield jobs
    logging.disable(logging.NOTSET)


@pytest.fixture
def observed(request: pytest.FixtureRequest) -> Observed:
    """Everything that can be asked, asked once."""
    if not _observed:
        _observed.append(_observe(request.getfixturevalue("company")))
    return _observed[0]


def _observe(jobs: dict[str, SyncJob]) -> Observed:
    clients = make_people()
    clients |= make_programs(User.objects.get(username="administrator"))
    clients["forger"] = Client(enforce_csrf_checks=True, raise_request_exception=False)
    clients["forger"].force_login(User.objects.get(username="anna"))
    examples, found = Examples(jobs), Observed()
    addresses = {route: examples.of(route, name) for route, name in routes().items()}
    observer = Observer(clients)
    for route, address in addresses.items():
        for method in METHODS:
            observer.ask(route, address, method, found)
        observer.forge(route, address, found)
    for place in LOOKED_FOR:
        observer.ask(place.partition("?")[0].removeprefix("/"), place, "GET", found)
    return found
