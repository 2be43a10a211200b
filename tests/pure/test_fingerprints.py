"""Failures of one cause have one fingerprint, whatever record, number or id they name."""

from __future__ import annotations

import pytest

from syncjobs.fingerprints import failure_fingerprint, failure_pattern


def fingerprint(message: str, code: str = "not_null") -> str:
    return failure_fingerprint({"class": "data", "code": code, "message": message})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("airports: record icao=KJFK has no name", "airports: record icao=EDDF has no name"),
        ("record a=1, b='x y' is odd", "record a=22, b='z' is odd"),
        ("timed out after 300 s, 1,200 records committed", "timed out after 60 s, 7 records committed"),
        ("column 'size' is not 'text'", "column 'name' is not 'integer'"),
        ('no "first" here', 'no "second" here'),
        ("request 7f3a9c2e1b00 failed at 2026-11-23T10:00:00Z", "request 00ffee11aa22 failed at 2026-01-02T03:04:05Z"),
        ("10.0.0.7:5432 refused", "10.0.0.12:5433 refused"),
        ("job 6f1d1c1e-3c7b-4e44-9d11-0123456789ab", "job 11111111-3c7b-4e44-9d11-fedcba987654"),
    ],
)
def test_what_differs_between_two_occurrences_does_not_count(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)
    assert len(fingerprint(one)) == 16


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the source has no table airports", "the source has no table runways"),
        ("column address2 is missing", "column address3 is missing"),
        ("Syncdeck's own database can't answer", "Syncdeck's own disk can't answer"),
        ("", "no"),
    ],
)
def test_what_tells_causes_apart_counts(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_equal_sentences_with_other_codes_are_other_causes() -> None:
    assert fingerprint("it broke", "a") != fingerprint("it broke", "b")


def test_a_pattern_reads_like_its_sentence() -> None:
    message = "airports: record icao=KJFK has 3 names, 'a' and 'b'; it's one too many"
    assert failure_pattern(message) == "airports: record icao=… has … names, … and …; it's one too many"
    assert len(failure_pattern("word " * 10_000)) == 300


def test_a_long_hostile_message_is_no_burden() -> None:
    failure_pattern("'" * 100_000 + "a=" * 100_000)
    assert failure_fingerprint({"message": "half of a pair: \ud800"})
