"""What became of a schema, and what each policy makes of it."""

from __future__ import annotations

import pytest

from connectors.records import Field, StreamSchema
from syncjobs.schema_drift import Columns, Judgement, LastSeen, columns_of, compare_schemas, diff_lines, judge_schema
from syncjobs.stream_specs import SchemaPolicy

ABC: dict[str, str] = {"a": "bigint", "b": "text", "c": "integer"}
MISSING = "column 'b' missing in source (had: a,b,c; now: a,c)"
RENAMED = "column 'b' missing in source (had: a,b,c; now: a,bb,c); perhaps it is called 'bb' now"
IGNORE = SchemaPolicy("ignore", "ignore", "ignore")
EVOLVE = SchemaPolicy("stop", "evolve", "evolve")


def judged(
    now: Columns,
    policy: SchemaPolicy | None = None,
    used: set[str] | None = None,
    seen: LastSeen | None = None,
) -> Judgement:
    return judge_schema(policy or SchemaPolicy(), seen or LastSeen(ABC, (), set(ABC)), now, used)


def without(name: str) -> dict[str, str]:
    return {one: kind for one, kind in ABC.items() if one != name}


def test_the_order_of_columns_does_not_matter_and_the_length_of_texts_is_noted() -> None:
    fields = (Field("b", "text", length=10), Field("a", "bigint", nullable=False))
    assert (
        columns_of(StreamSchema(fields)) == columns_of(StreamSchema(fields[::-1])) == {"a": "bigint", "b": "text(10)"}
    )
    assert judged(dict(reversed(ABC.items()))) == Judgement()


def test_a_difference_is_told_column_by_column() -> None:
    diff = compare_schemas(ABC, {"a": "decimal", "c": "integer", "d": "date"})
    assert diff.as_json() == {"dropped": {"b": "text"}, "added": {"d": "date"}, "changed": {"a": ["bigint", "decimal"]}}
    assert diff_lines(diff.as_json()) == ["b (text) is gone", "d (date) is new", "a was bigint, is decimal"]
    assert diff_lines(compare_schemas(ABC, ABC).as_json()) == []


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (without("b"), MISSING),
        ({}, "columns 'a', 'b' and 'c' missing in source (had: a,b,c; now: )"),
        (
            without("b") | {"bb": "text"},
            "column 'b' missing in source (had: a,b,c; now: a,bb,c); perhaps it is called 'bb' now",
        ),
        (without("b") | {"bb": "date"}, "column 'b' missing in source (had: a,b,c; now: a,bb,c)"),
        (ABC | {"c": "text"}, "the type changed in the source: 'c' from integer to text"),
        (ABC | {"c": "bigint"}, "the type changed in the source: 'c' from integer to bigint"),
    ],
    ids=["dropped", "all dropped", "renamed", "other type", "retyped", "widened"],
)
def test_by_default_a_run_stops_with_a_sentence(now: Columns, sentence: str) -> None:
    assert judged(now).refusals == [sentence]


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = judged({"a": "text", "c": "text"})
    assert len(found.refusals) == 2
    assert "'a' from bigint to text, 'c' from integer to text" in found.refusals[1]


def test_of_a_thousand_columns_only_some_are_named() -> None:
    many = {f"c{number:04d}": "text" for number in range(1_000)}
    (sentence,) = judged({}, seen=LastSeen(many, (), set(many))).refusals
    assert "and 970 more" in sentence
    assert len(sentence) < 1_000


def test_columns_that_the_mapping_does_not_use_may_go_and_change() -> None:
    assert judged({"a": "bigint", "c": "text"}, used={"a"}) == Judgement()
    assert judged(without("b"), used={"a", "b"}).refusals == [MISSING]


def test_ignore_goes_on_without_the_column_unless_something_needs_it() -> None:
    found = judged(without("b"), IGNORE)
    assert (found.refusals, len(found.warnings)) == ([], 1)
    assert "need it" in judged(without("b"), IGNORE, used={"b"}).refusals[0]


@pytest.mark.parametrize(("policy", "ignored"), [(SchemaPolicy(), {"d"}), (EVOLVE, set())], ids=["ignore", "evolve"])
def test_a_new_column_is_left_out_with_a_warning_or_taken_along(policy: SchemaPolicy, ignored: set[str]) -> None:
    found = judged({**ABC, "d": "text"}, policy)
    assert (found.refusals, found.ignored, bool(found.warnings)) == ([], ignored, bool(ignored))
    assert judged({**ABC, "d": "text"}, SchemaPolicy(added="stop")).refusals == ["column 'd' new in source"]


def test_an_ignored_column_stays_new_until_a_policy_takes_it() -> None:
    seen = LastSeen({**ABC, "d": "text"}, ["d"], set(ABC))
    assert judged({**ABC, "d": "text"}, seen=seen).ignored == {"d"}
    assert judged({**ABC, "d": "text"}, EVOLVE, seen=seen).ignored == set()
    assert judged(ABC, seen=seen) == Judgement(), "nobody misses it"


def test_a_column_that_comes_back_is_used_again() -> None:
    seen = LastSeen(without("b"), (), set(ABC))
    assert judged(ABC, seen=seen) == Judgement()


@pytest.mark.parametrize(
    ("old", "new", "follows"),
    [
        ("integer", "bigint", True),
        ("integer", "float", True),
        ("bigint", "decimal", True),
        ("bigint", "float", False),
        ("bigint", "integer", False),
        ("integer", "text", False),
        ("text", "json", False),
        ("date", "datetime", False),
    ],
)
def test_evolve_follows_to_wider_types_only(old: str, new: str, follows: bool) -> None:
    found = judged({"a": new}, EVOLVE, seen=LastSeen({"a": old}, (), {"a"}))
    assert (found.refusals == []) is follows
    assert follows or f"'a' from {old} to {new}; evolve follows only to a wider type" in found.refusals[0]


def test_another_length_of_a_text_stops_nothing() -> None:
    for old, new in (("text", "text(10)"), ("text(10)", "text(20)"), ("text(10)", "text"), ("text(20)", "text(10)")):
        assert judged({"a": new}, seen=LastSeen({"a": old}, (), {"a"})) == Judgement()


def test_what_a_mapping_names_of_new_columns_is_read_and_the_rest_is_told() -> None:
    found = judged({**ABC, "d": "text", "e": "text"}, used={"a", "d"})
    assert found == Judgement(warnings=["new columns in source are ignored: e"])
