"""What all request threads of a sandbox share: its records, its switches and what was asked so far."""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from connectors.sandbox.errors import SodaError, invalid_request
from connectors.sandbox.faults import Fault, FaultBox
from connectors.sandbox.messages import RecordedRequest, Request
from connectors.sandbox.store import Store

REQUESTS_KEPT = 10_000


class Sandbox:
    """The datasets, the switches and the requests seen so far: what all request threads share."""

    def __init__(self, store: Store, app_token: str | None = None) -> None:
        self.store = store
        self.faults = FaultBox()
        self.requests: deque[RecordedRequest] = deque(maxlen=REQUESTS_KEPT)
        self._app_token = app_token

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Turns switches on, each for a dataset by its name or four-by-four. Raises SodaError (400)."""
        self.faults.add([replace(fault, dataset=self._dataset_name(fault.dataset)) for fault in faults])

    def _dataset_name(self, name: str | None) -> str | None:
        try:
            return None if name is None else self.store.find(name).name
        except SodaError as error:
            served = ", ".join(self.store.datasets)
            raise invalid_request(f"There is no dataset {name!r}; the sandbox serves {served}.") from error

    def record(self, request: Request) -> None:
        """Keeps a data request for whoever asserts on what was asked."""
        entry = RecordedRequest(datetime.now(UTC), request.method, request.target, request.app_token)
        self.requests.append(entry)

    def check_token(self, given: str | None) -> None:
        """Raises SodaError (403) unless the token is the one the sandbox was started with, if it was."""
        if self._app_token is None:
            return
        if given is None or not hmac.compare_digest(given.encode(), self._app_token.encode()):
            raise SodaError(403, "permission_denied", "Invalid app_token specified")
