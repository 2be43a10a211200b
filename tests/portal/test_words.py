"""How numbers, spans and values read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncjobs.counts import Counts
from syncjobs.portal import words

NOW = datetime(2026, 11, 23, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "\N{EN DASH}"),
        (0, "0.00 s"),
        (0.052, "0.05 s"),
        (3.14, "3.1 s"),
        (9.96, "10.0 s"),
        (59.6, "1 min"),
        (80, "1 min 20 s"),
        (3_600, "1 h"),
        (4_320, "1 h 12 min"),
        (86_399, "23 h 59 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_span_is_told_in_at_most_two_units(seconds: float | None, text: str) -> None:
    assert words.span_text(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (9_999, "9,999"), (18_330, "18.3 k"), (2_314_000, "2.31 M"), (999_900, "1 M"), (3.2e9, "3.2 G")],
)
def test_a_large_number_is_told_in_three_digits(number: int, text: str) -> None:
    assert words.short_number(number) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (999, "999 B"), (6_812_345, "6.8 MB"), (123_456_789, "123 MB"), (5e15, "5000 TB")]
)
def test_a_size_is_told_in_powers_of_a_thousand(number: float, text: str) -> None:
    assert words.size_text(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "just now"), (12, "12 s ago"), (125, "2 min ago"), (7_300, "2 h ago"), (180_000, "2 d ago"), (-28, "in 28 s")],
)
def test_a_moment_is_told_from_now(seconds: int, text: str) -> None:
    assert words.relative_text(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ("", "(empty)"),
        (0, "0"),
        (False, "false"),
        ({"a": "ü"}, '{"a": "ü"}'),
        ("x" * 500, "x" * 400 + "… (500 characters)"),
    ],
)
def test_a_value_is_told_as_it_is_and_cut_when_very_long(value: Any, text: str) -> None:
    assert words.value_text(value) == text


def test_only_what_happened_is_told_of_changes() -> None:
    assert words.changed_text(Counts(inserted=524, updated=12_951)) == "+524 ~12,951"
    assert words.changed_text(Counts(read=5, unchanged=5)) == "0"
