"""The configuration that a job runs by, for people: single settings as words, the larger parts by themselves. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SPANS = ("timeout", "retry_delay", "freshness_target")
"""Settings in seconds."""


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """`settings` are (label, text); `parts` are (label, value) of what is an object or a list."""

    settings: list[tuple[str, str]]
    parts: list[tuple[str, Any]]


def snapshot_facts(snapshot: dict[str, Any]) -> SnapshotFacts:
    """Every setting that says something; what is empty is left out."""
    said = {name: value for name, value in snapshot.items() if value not in (None, "", {}, [])}
    return SnapshotFacts(
        settings=[(_label(name), _words(name, value)) for name, value in said.items() if not _is_large(value)],
        parts=[(_label(name), value) for name, value in said.items() if _is_large(value)],
    )


def _is_large(value: Any) -> bool:
    return isinstance(value, dict | list)


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,} s" if name in SPANS else f"{value:,}"
    return str(value)
