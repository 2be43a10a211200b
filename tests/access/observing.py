"""Asks every address by every method as everybody, each time undoing what the request did; notes what was answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.test import Client

from tests.access.people import PROGRAMS, ROLES

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")
FOR_PROGRAMS = ("api/v1/", "sync/")
WRITES = ("INSERT", "UPDATE", "DELETE")
WITHOUT_GRANTS = ("restricted", "outsider")
HIDDEN = (
    *("Web shop", "Archive of the old shop", "City open data", "Customers into the reports", "Price list"),
    *("Building permits", "SAP ledgers", "db.sap.example", "order_id", "Orders every quarter", "shop/orders"),
)
"""Words by which connectors, types, schedules, jobs and records of the company would show."""
BOOKKEEPING = ('"syncjobs_apitoken"', '"syncjobs_requestcount"', '"django_session"')
"""Tables in which a request notes that it came."""


def columns_of(route: str) -> Sequence[str]:
    """Who asks at this address."""
    return (*ROLES, *PROGRAMS) if route.startswith(FOR_PROGRAMS) else ROLES


def usual(route: str, method: str) -> tuple[str, ...]:
    """What is answered to a method that an address does not have; such lines need not stand in the table."""
    refused = "401" if route.startswith(FOR_PROGRAMS) else "login" if route.startswith("admin/") else "405"
    return (refused, *["405"] * (len(columns_of(route)) - 1))


@dataclass
class Observed:
    """{(address, method): the classes of the answers, in the order of columns_of}, and what should not have been.

    `written` are statements by which reading changed something, `leaked` pages that name to people without grants what
    is hidden from them, and `forged` addresses that took a post without the token of the form.
    """

    answers: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    leaked: dict[str, str] = field(default_factory=dict)
    forged: dict[str, str] = field(default_factory=dict)


class Observer:
    """All who ask, in one state of the database."""

    def __init__(self, clients: dict[str, Client]) -> None:
        self._clients = clients

    def ask(self, route: str, address: str, method: str, observed: Observed) -> None:
        """Note what everybody is answered there."""
        found = {name: self._class_of(name, address, method, observed) for name in ("administrator", "anonymous")}
        for name in columns_of(route):
            if name not in found:  # a method that a view does not have, it has for nobody
                is_missing = found["administrator"] == "405"
                found[name] = "405" if is_missing else self._class_of(name, address, method, observed)
        observed.answers[route, method] = tuple(found[name] for name in columns_of(route))

    def forge(self, route: str, address: str, observed: Observed) -> None:
        """Note whether something that may be posted there is taken without the token of the form, too."""
        answers = {*observed.answers[route, "POST"]}
        if answers & {"200", "302", "400"}:
            with transaction.atomic():
                status = send(self._clients["forger"], "POST", address).status_code
                transaction.set_rollback(True)
            if status != 403:
                observed.forged[route] = str(status)

    def _class_of(self, name: str, address: str, method: str, observed: Observed) -> str:
        client = self._clients[name]
        cookies = {key: morsel.value for key, morsel in client.cookies.items()}

        def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if sql.startswith(WRITES) and not any(table in sql for table in BOOKKEEPING):
                observed.written[f"{method} {address} as {name}"] = sql[:200]
            return execute(sql, *rest)

        with ExitStack() as stack:
            stack.enter_context(transaction.atomic())
            if method in ("GET", "TRACE"):
                stack.enter_context(connection.execute_wrapper(note))
            response = send(client, method, address)
            transaction.set_rollback(True)
        client.cookies.load(cookies)
        if name in WITHOUT_GRANTS and response.status_code < 300:
            text = response.content.decode() if not response.streaming else ""
            observed.leaked |= {f"{method} {address} as {name}": word for word in HIDDEN if word in text}
        return class_of(response)


def send(client: Client, method: str, address: str) -> Any:
    """The answer, read to its end. Programs' addresses are sent an empty object, pages an empty form."""
    is_api = address.startswith(("/api/", "/sync/"))
    body = {"data": b"{}", "content_type": "application/json"} if is_api and method not in ("GET", "TRACE") else {}
    response: Any = getattr(client, method.lower())(address, **body)
    if response.streaming:
        b"".join(response.streaming_content)
    return response


def class_of(response: Any) -> str:
    """`login` for the way to the login, else one of 200, 302, 400, 401, 403, 404, 405; others as they are."""
    status: int = response.status_code
    if status == 302 and response.url.startswith("/admin/login/"):
        return "login"
    if status in (401, 403, 404, 405) or status >= 500:
        return str(status)
    return {2: "200", 3: "302", 4: "400"}[status // 100]
