"""Configuration files: what is read from YAML, and what is refused with its place."""

from __future__ import annotations

import re

import pytest

from syncjobs.management.config_files import read_yaml, write_yaml
from syncjobs.mapping import ConfigProblems


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("a: &x [1]\nb: [*x, *x]", "line 1, column 4: an anchor or alias"),
        ("a: !!python/object/apply:os.system ['true']", "line 1, column 4: a tag"),
        ("a: 1\na: 2", "line 2, column 1: the name 'a' twice"),
        ("1: 2", "line 1, column 1: a name that is no text"),
        ("a: [1, 2", "line 1, column 9"),
        ("a: !!binary aGk=", "line 1, column 4: a tag"),
        ("[" * 100_000, "the file is nested too deep"),
        ("a: \x00", "cannot be read as YAML"),
    ],
)
def test_what_json_does_not_know_is_refused_with_its_place(given: str, told: str) -> None:
    with pytest.raises(ConfigProblems, match=re.escape(told)):
        read_yaml(given.encode())


@pytest.mark.parametrize(("data", "told"), [(b"\xff\xfe\x00", "not text in UTF-8"), (b"a" * 5_242_881, "larger than")])
def test_what_is_no_text_of_bounded_size_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(ConfigProblems, match=told):
        read_yaml(data)


def test_texts_that_other_readers_take_for_something_else_stay_texts() -> None:
    awkward = [
        "no",
        "on",
        "1e5",
        "0123",
        "1:30",
        "2026-11-23",
        "0x1F",
        "~",
        "",
        "null",
        ".inf",
        "a: b",
        "é\U0001f600",
        "x\ny",
    ]
    numbers = [0, -5, 2**70, 0.05, 1e-07, 1e16, True, None]
    assert read_yaml(write_yaml({"texts": awkward, "numbers": numbers}).encode()) == {
        "texts": awkward,
        "numbers": numbers,
    }
