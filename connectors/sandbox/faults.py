"""The switches for faults: which requests they hit, how often, and how they change columns. It sends nothing itself."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

from connectors.sandbox.datasets import SODA2_TYPES
from connectors.sandbox.errors import invalid_request

REPLACING = ("rate_limited", "server_error", "html", "error_object")
DELAYING = ("slow", "slow_body", "truncated")
DRIFTING = ("dropped_column", "retyped_column", "added_column")
KINDS = (*REPLACING, *DELAYING, *DRIFTING)
SERVER_ERRORS = (500, 502, 503, 504)
DEFAULT_ERROR: Mapping[str, object] = {"error": {"code": "internal", "message": "Something went wrong"}}


@dataclass(frozen=True)
class Fault:
    """One switch. It hits requests for `dataset` (None = any), for `on` rows or metadata (None = both).

    It lets the first `after` matching requests pass, hits the next `times` (None = until cleared) and then ends itself.
    rate_limited: `retry_after` seconds (None = no header), as an HTTP date with `http_date`. server_error: `status`.
    slow: `seconds` before the answer. slow_body: `seconds` between pieces of `chunk_bytes`. error_object: `body` is any
    JSON value, answered with status 200. The three column faults: `dataset`, `column` and, but for dropped, `type`.
    """

    kind: str
    dataset: str | None = None
    on: str | None = None
    times: int | None = None
    after: int = 0
    retry_after: int | None = 1
    http_date: bool = False
    status: int = 500
    seconds: float = 1.0
    chunk_bytes: int = 1
    body: object = field(default_factory=lambda: DEFAULT_ERROR)
    column: str = ""
    type: str = "text"

    def __post_init__(self) -> None:
        for wrong, message in self._complaints():
            if wrong:
                raise invalid_request(message)

    def _complaints(self) -> Iterable[tuple[bool, str]]:
        yield self.kind not in KINDS, f"There is no fault {self.kind!r}; choose from {', '.join(KINDS)}."
        yield self.on not in (None, "rows", "metadata"), "A fault's 'on' is rows, metadata or null."
        yield not _is_count(self.times, least=1, optional=True), "A fault's 'times' is a number from 1, or null."
        yield not _is_count(self.after, least=0), "A fault's 'after' is a number from 0."
        yield not _is_count(self.retry_after, least=0, optional=True), "'retry_after' is whole seconds, or null."
        yield self.status not in SERVER_ERRORS, "A server_error's 'status' is 500, 502, 503 or 504."
        yield not isinstance(self.seconds, (int, float)) or not 0 <= self.seconds <= 3600, "'seconds' is 0 to 3600."
        yield not _is_count(self.chunk_bytes, least=1), "'chunk_bytes' is a number from 1."
        yield self.type not in SODA2_TYPES, f"There is no type {self.type!r}; choose from {', '.join(SODA2_TYPES)}."
        unnamed = self.kind in DRIFTING and not (self.dataset and self.column)
        yield unnamed, f"The fault {self.kind} needs a 'dataset' and a 'column'."

    @classmethod
    def from_json(cls, value: object) -> Fault:
        """Raises SodaError (400) naming what does not fit."""
        if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
            raise invalid_request("A fault is an object with a 'kind'.")
        known = {item.name for item in fields(cls)}
        if unknown := sorted(set(value) - known):
            raise invalid_request(f"A fault has no field {unknown[0]!r}; it has {', '.join(sorted(known))}.")
        return cls(**value)


def _is_count(value: object, *, least: int, optional: bool = False) -> bool:
    if value is None:
        return optional
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


@dataclass
class _Switch:
    fault: Fault
    seen: int = 0


class FaultBox:
    """The switches that are on, shared by all request threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._switches: list[_Switch] = []

    def add(self, faults: Iterable[Fault]) -> None:
        with self._lock:
            self._switches += [_Switch(fault) for fault in faults]

    def clear(self) -> None:
        with self._lock:
            self._switches = []

    def take(self, dataset: str, on: str) -> list[Fault]:
        """The faults that hit this request; each counts it, and those that have run out are gone afterwards."""
        with self._lock:
            hits = [switch.fault for switch in self._switches if _count_request(switch, dataset, on)]
            self._switches = [switch for switch in self._switches if not _has_ended(switch)]
        return hits

    def shown(self) -> list[dict[str, object]]:
        """What GET /sandbox/faults lists: every switch and how many matching requests it has seen."""
        with self._lock:
            return [{**asdict(switch.fault), "seen": switch.seen} for switch in self._switches]


def _count_request(switch: _Switch, dataset: str, on: str) -> bool:
    fault = switch.fault
    if fault.dataset not in (None, dataset) or fault.on not in (None, on):
        return False
    switch.seen += 1
    return switch.seen > fault.after


def _has_ended(switch: _Switch) -> bool:
    return switch.fault.times is not None and switch.seen >= switch.fault.after + switch.fault.times


@dataclass(frozen=True)
class LiveColumn:
    """A column as one request sees it. `origin` is stored, retyped or added."""

    name: str
    type: str
    origin: str = "stored"


def live_columns(columns: Mapping[str, str], faults: Sequence[Fault]) -> tuple[LiveColumn, ...]:
    """The dataset's columns after the column faults that hit this request."""
    live = {name: LiveColumn(name, kind) for name, kind in columns.items()}
    for fault in faults:
        if fault.kind == "dropped_column":
            live.pop(fault.column, None)
        elif fault.kind == "retyped_column" and fault.column in live:
            live[fault.column] = LiveColumn(fault.column, fault.type, "retyped")
        elif fault.kind == "added_column" and fault.column not in live:
            live[fault.column] = LiveColumn(fault.column, fault.type, "added")
    return tuple(live.values())
