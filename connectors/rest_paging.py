"""Where the next page of a REST stream is, by the answer at hand. Sends nothing.

A place is a JSON value: a number, an offset, a cursor or an address; that of the first page is None or a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from requests.utils import parse_header_links

from connectors.errors import ConfigError
from connectors.http_answers import host_of, snippet
from connectors.http_redirects import is_same_origin
from connectors.json_paths import value_at
from connectors.rest_streams import Paging

LONGEST_PLACE = 8_000
END = object()


@dataclass(frozen=True, slots=True)
class RestPage:
    """One answer and the records in it."""

    url: str
    value: Any
    headers: Mapping[str, str]
    records: list[dict[str, Any]]
    byte_count: int


def first_place(paging: Paging) -> Any:
    """The place of the first page."""
    return {"page": paging.first, "offset": 0}.get(paging.kind)


def question(paging: Paging, url: str, place: Any) -> tuple[str, dict[str, str] | None]:
    """Which address is asked, with which parameters; None where the address has all of them in it."""
    if paging.kind in ("link", "next_url") and place is not None:
        return str(place), None
    parameters = {paging.size_parameter: str(paging.size)} if paging.size_parameter else {}
    if place is not None:
        parameters[paging.parameter] = str(place)
    return url, parameters


def next_place(paging: Paging, place: Any, page: RestPage) -> Any:
    """Where to go on, or END. Raises ConfigError `protocol` for a place that nobody could go to."""
    if paging.more and value_at(page.value, paging.more) is False:
        return END
    match paging.kind:
        case "page":
            return place + 1 if page.records else END
        case "offset":
            return place + len(page.records) if page.records else END
        case "cursor":
            return _cursor(page, value_at(page.value, paging.next))
        case "link":
            return _address(page, _linked(page.headers.get("Link", "")))
        case "next_url":
            return _address(page, value_at(page.value, paging.next))
    return END


def _cursor(page: RestPage, found: Any) -> Any:
    if found in (None, "", False):
        return END
    if isinstance(found, bool) or not isinstance(found, str | int) or len(str(found)) > LONGEST_PLACE:
        raise _unusable(page, found)
    return found


def _linked(header: str) -> Any:
    """The address of rel=next (RFC 8288)."""
    for link in parse_header_links(header):
        if "next" in link.get("rel", "").lower().split():
            return link["url"]
    return None


def _address(page: RestPage, found: Any) -> Any:
    """The address, which must be one of the same server: it gets the same credentials."""
    if found in (None, "", False):
        return END
    if not isinstance(found, str) or len(found) > LONGEST_PLACE:
        raise _unusable(page, found)
    target = urljoin(page.url, found)
    try:
        is_ours = is_same_origin(page.url, target)
    except ConfigError as error:
        raise _unusable(page, found) from error
    if not is_ours:
        raise ConfigError(
            "protocol",
            f"{host_of(page.url)} says that its next page is at {host_of(target)}, which is not asked",
            hint="If that is the right server, put it into the connector's address.",
        )
    return target


def _unusable(page: RestPage, found: Any) -> ConfigError:
    return ConfigError(
        "protocol",
        f"{host_of(page.url)} names a next page that can not be asked for: {snippet(str(found).encode())}",
        hint="Check the settings of the stream's pages.",
    )
