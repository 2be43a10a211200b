"""The connection test of a Socrata portal: the steps of http_checks, with one record of each dataset."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.checks import CheckStep
from connectors.http_checks import check_server
from connectors.json_pages import RecordShape
from connectors.soda_portal import SodaPortal


def check_portal(portal: SodaPortal, *, has_token: bool) -> Iterator[CheckStep]:
    """The steps, as check_server takes them."""

    def read_one(stream: str) -> int:
        return portal.page(stream, RecordShape(()), {"$limit": "1"}).records

    yield from check_server(
        portal.http, portal.base_url, list(portal.datasets), read_one, _logged_in(has_token=has_token)
    )


def _logged_in(*, has_token: bool) -> CheckStep:
    if has_token:
        return CheckStep("log in", True, 0.0, "app token accepted")
    return CheckStep(
        "log in", True, 0.0, "no app token", fix="An app token raises the limit of requests; the portal gives them out."
    )
