"""A transform of a whole column at once gives what it gives for each value alone, or leaves the column to that."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncjobs.mapping.at_once import BUILDERS, TEXTS, run_at_once
from syncjobs.mapping.columns import REFUSALS, Step
from syncjobs.mapping.transforms import TransformRule, build_step
from tests.pure.test_mapping_repeats import AWKWARD

TODAY = date(2026, 11, 23)
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "null_if": [{"values": ["", "N/A", 0, 1.5, True]}, {"values": ["straße", "n/a"], "ignore_case": True}],
    "truncate": [{"length": 3}],
    "bounds": [{"min": 41.6, "max": 42.1, "outside": "null"}, {"min": 0}, {"max": "next_year", "outside": "null"}],
    "date": [{}, {"format": "%d.%m.%Y"}],
    "datetime": [{}, {"zone": "America/Chicago"}, {"format": "%d.%m.%Y"}],
}
RULES = [TransformRule(op, options) for op in TEXTS for options in OPTIONS.get(op, [{}])]
IDS = [f"{rule.op} {number}" for number, rule in enumerate(RULES)]
USUAL = {
    "date": ["2026-11-23"],
    "datetime": ["2026-11-23T02:30:00Z", "2026-11-23T02:30:00"],
    "bounds": ["41.7", "41.8"],
}
texts = st.sampled_from((*AWKWARD, "41.6", "41.59999999999999999999", "42.1", "n/A", "STRASSE", "2027", "a\u00a0 b"))
numbers = st.integers() | st.floats() | st.sampled_from([41.6, 42.1, math.nan, 2027, 2028])


def alone(step: Step, values: list[Any]) -> list[str] | None:
    """None where one is refused."""
    try:
        return [repr(None if value is None else step.alone(value)) for value in values]
    except REFUSALS:
        return None


def together(step: Step, values: list[Any]) -> list[str] | None:
    """None where it is left to the values one by one."""
    try:
        made = run_at_once(step.at_once, values)
    except REFUSALS:
        return None
    return None if made is None else list(map(repr, made))


@pytest.mark.parametrize("rule", RULES, ids=IDS)
@given(values=st.lists(st.none() | texts | st.text(), max_size=4))
def test_texts_become_the_same_at_once_as_alone(rule: TransformRule, values: list[str | None]) -> None:
    step = build_step(rule, TODAY)
    made = together(step, values)
    assert made is None or made == alone(step, values)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.op in BUILDERS[int]], ids=repr)
@given(values=st.lists(st.none() | numbers, max_size=4))
def test_numbers_become_the_same_at_once_as_alone(rule: TransformRule, values: list[float | None]) -> None:
    step = build_step(rule, TODAY)
    made = together(step, values)
    assert made is None or made == alone(step, values)


@pytest.mark.parametrize("rule", [rule for rule in RULES if "format" not in rule.options], ids=repr)
def test_usual_texts_are_done_at_once(rule: TransformRule) -> None:
    step = build_step(rule, TODAY)
    values = [*USUAL.get(rule.op, ["1", "42"]), None]
    assert together(step, values) is not None
    assert together(step, values) == alone(step, values)


@pytest.mark.parametrize("values", [["a", 1], [True, 1], [b"a"], [None], [], [["a"]]])
def test_columns_of_other_or_mixed_values_are_left_to_each(values: list[Any]) -> None:
    assert together(build_step(TransformRule("strip"), TODAY), values) is None
