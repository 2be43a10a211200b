"""Retry decisions as a table: what failed, how often, and when it is tried again."""

from __future__ import annotations

from typing import Any

import pytest

from syncjobs.retries import RetryDecision, longest_delay, next_retry


def decide(**changes: Any) -> RetryDecision | None:
    facts: dict[str, Any] = {
        "failure_class": "transient",
        "retryable": True,
        "retry_count": 0,
        "max_retries": 3,
        "retry_delay_seconds": 30,
        "made_progress": False,
        "retry_after_seconds": None,
        "random_fraction": 0.5,
    }
    return next_retry(**(facts | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (15.0, 1)),
        ({"retry_count": 1}, (30.0, 2)),
        ({"retry_count": 2}, (60.0, 3)),
        ({"retry_count": 3}, None),
        ({"max_retries": 0}, None),
        ({"max_retries": 0, "made_progress": True}, None),
        ({"random_fraction": 0.0}, (0.0, 1)),
        ({"retry_delay_seconds": 0}, (0.0, 1)),
        # the cap: 30 * 2^9 would be over four hours
        ({"retry_count": 9, "max_retries": 10}, (300.0, 10)),
        ({"retry_count": 5_000, "max_retries": 10_000}, (300.0, 5_001)),
        # progress starts the count, and so the delay, anew
        ({"retry_count": 3, "made_progress": True}, (15.0, 1)),
        # the other side's word wins over the formula, but not over the limit of retries
        ({"failure_class": "rate_limited", "retry_after_seconds": 5.0}, (5.0, 1)),
        ({"failure_class": "rate_limited", "retry_after_seconds": 3_600.0, "retry_count": 2}, (3_600.0, 3)),
        ({"failure_class": "rate_limited", "retry_after_seconds": 5.0, "retry_count": 3}, None),
        ({"retry_after_seconds": -4.0}, (0.0, 1)),
        ({"retry_after_seconds": 10.0**9}, (86_400.0, 1)),
        # what a person has to mend is not tried again
        ({"failure_class": "config", "retryable": False}, None),
        ({"failure_class": "config", "retryable": True}, None),
        ({"failure_class": "data", "retryable": False}, None),
        ({"failure_class": "internal", "retryable": False}, None),
        # a controller that raised something unforeseen may be told to try again
        ({"failure_class": "internal", "retryable": True}, (15.0, 1)),
    ],
)
def test_a_failure_is_tried_again_when_the_table_says(
    changes: dict[str, Any], expected: tuple[float, int] | None
) -> None:
    assert decide(**changes) == (RetryDecision(*expected) if expected else None)


@pytest.mark.parametrize(("used", "seconds"), [(0, 30), (1, 60), (2, 120), (3, 240), (4, 480), (5, 600), (40, 600)])
def test_the_longest_delay_doubles_up_to_ten_minutes(used: int, seconds: float) -> None:
    assert longest_delay(30, used) == seconds
