"""Every address of the URL map with an example of it. Who adds one with a new sort of argument gives a value here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import Group, User
from django.urls import URLResolver, get_resolver

from syncjobs.models import ApiToken, AuditEvent, Chain, Change, Reject, Schedule, SyncJob, Webhook
from tests.pictures import walk

BESIDE_THE_MAP = ("livez",)
"""Answered by middleware."""
ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
PLAIN_WORDS = {
    "": "",
    "admin/^(?P<app_label>syncjobs|connectors|auth)/$": "admin/auth/",
    "admin/(?P<url>.*)$": "admin/nothing-is-here/",
    "api/v1/": "api/v1/nothing-is-here/",
    "admin/r/<path:content_type_id>/<path:object_id>/": "admin/r/1/1/",
}
"""Addresses that are no plain text with arguments in angle brackets, and an example of each."""


def routes() -> dict[str, str]:
    """{address as the URL map has it: its name, or nothing}."""
    found = dict(_routes(get_resolver().url_patterns, ""))
    return found | dict.fromkeys(BESIDE_THE_MAP, "")


def _routes(patterns: list[Any], before: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = f"{before}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route, pattern.name or ""


class Examples:
    """One example for each address, in the made-up company of tests/pictures."""

    def __init__(self, jobs: dict[str, SyncJob]) -> None:
        self._pages = {label.partition(" ")[0]: address for label, address in reversed(walk.addresses(jobs).items())}
        self._values = _values(jobs)

    def of(self, route: str, name: str) -> str:
        """The address to ask for. Raises KeyError with what to add where there is none."""
        if route in PLAIN_WORDS:
            return f"/{PLAIN_WORDS[route]}"
        if route.startswith("admin/") and name in self._pages:
            return self._pages[name]
        place = ""
        for part in route.split("/"):
            for argument in ARGUMENT.findall(part):
                route = ARGUMENT.sub(str(self._value(f"{place}/{argument}", argument)), route, count=1)
            place = place if "<" in part else part
        return f"/{route}"

    def _value(self, place: str, argument: str) -> object:
        if place not in self._values:
            raise KeyError(f'give a value for "{place}" in tests/access/addresses.py')
        return self._values[place]


def _values(jobs: dict[str, SyncJob]) -> dict[str, object]:
    """{folder/argument: value}."""
    change = Change.objects.filter(job=jobs["finished"]).order_by("id")[:1].get()
    failed = SyncJob.objects.filter(failure_fingerprint__isnull=False)[:1].get()
    return {
        "jobs/job_id": jobs["finished"].pk,
        "changes/change_id": change.pk,
        "failures/fingerprint": failed.failure_fingerprint,
        "rejects/reject_id": Reject.objects.order_by("id")[:1].get().pk,
        "job-types/slug": "orders",
        "versions/number": 1,
        "connectors/slug": "shop",
        "streams/name": "orders",
        "webhooks/webhook_id": Webhook.objects.order_by("id")[:1].get().pk,
        "chains/chain_id": Chain.objects.order_by("id")[:1].get().pk,
        "audit/entry_id": AuditEvent.objects.order_by("id")[:1].get().pk,
        "hooks/public_id": Webhook.objects.order_by("id")[:1].get().public_id,
        "schedules/schedule_id": Schedule.objects.order_by("id")[:1].get().pk,
        "tokens/token_id": ApiToken.objects.order_by("id")[:1].get().pk,
        "user/id": User.objects.order_by("id")[:1].get().pk,
        "user/object_id": User.objects.order_by("id")[:1].get().pk,
        "group/object_id": Group.objects.order_by("id")[:1].get().pk,
        "sync/rest": "nothing-is-here",
    }
