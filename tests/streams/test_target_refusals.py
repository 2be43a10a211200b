"""Each constraint of a target has a code of its own, under stop and under quarantine, whatever the mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.models import Connector
from syncjobs.models import Change, JobBatch, SyncJob, SyncJobType
from syncjobs.operations.rejects import find_rejects
from syncjobs.operations.state_checks import find_breaches
from tests.streams.conftest import counts, run
from tests.streams.people import People, SQLAtTarget, people_at

TABLE = "CREATE TABLE people (id bigint PRIMARY KEY, email text, age integer, boss bigint, note text)"
NOT_OURS = "INSERT INTO people VALUES (990, 'taken@example.org', 50, NULL, 'ours')"


@dataclass(frozen=True)
class Rule:
    """A target's constraint: part of its declaration, what breaks it, and what must be said of that."""

    part: str
    becomes: str
    wrong: dict[str, Any]
    code: str
    words: tuple[str, ...]
    only_on: str = ""

    @property
    def table(self) -> str:
        return TABLE.replace(self.part, self.becomes)


RULES = {
    "unique": Rule(
        "email text", "email text UNIQUE", {"email": "taken@example.org"}, "unique", ("repeats email", "unique")
    ),
    "foreign key": Rule(
        "boss bigint",
        "boss bigint REFERENCES people (id)",
        {"boss": 123_456},
        "foreign_key",
        ("refers to a record that the target does not have",),
    ),
    "not null": Rule("email text", "email text NOT NULL", {"email": None}, "not_null", ("has no email",)),
    "check": Rule(
        "age integer", "age integer CONSTRAINT sane_age CHECK (age < 100)", {"age": "200"}, "check", ("sane_age",)
    ),
    "too long": Rule(
        "note text",
        "note varchar(15)",
        {"note": "n" * 16},
        "value_too_long",
        ("16 characters in note, which takes 15",),
        only_on="postgres",
    ),
    "too long by blanks": Rule(
        "note text",
        "note varchar(15)",
        {"note": "n" * 15 + " "},
        "value_too_long",
        ("16 characters in note, which takes 15",),
        only_on="postgres",
    ),
    "too long by a check": Rule(
        "note text",
        "note text CONSTRAINT short_note CHECK (length(note) <= 15)",
        {"note": "n" * 16},
        "check",
        ("short_note",),
    ),
    "out of range": Rule("age integer", "age smallint", {"age": "40000"}, "out_of_range", ("id=203",), "postgres"),
}


def at(people: People) -> dict[int, dict[str, Any]]:
    return people_at(Connector.objects.get(slug=people.target))


@pytest.fixture
def rule(request: pytest.FixtureRequest, people: People, sql_at_target: SQLAtTarget) -> Rule:
    """The target's table with one rule and a row that is not ours; of 300 people at the source, one breaks the rule."""
    rule = RULES[request.param]
    if rule.only_on not in ("", Connector.objects.get(slug=people.target).kind):
        pytest.skip("SQLite does not enforce the width of types")
    sql_at_target(rule.table)
    sql_at_target(NOT_OURS)
    people.add(*range(300))
    people.add(203, **rule.wrong)
    return rule


def assert_told(job: SyncJob, rule: Rule) -> None:
    assert job.failure is not None, job.status
    assert (job.status, job.failure["class"], job.failure["code"]) == ("error", "data", rule.code), job.failure
    for words in ("id=203", *rule.words):
        assert words in job.failure["message"], job.failure
    assert job.failure["retryable"] is False
    assert job.failure["hint"]


@pytest.mark.parametrize("rule", RULES, indirect=True)
def test_under_stop_the_record_and_the_constraint_are_named_and_earlier_batches_stay(
    people: People, rule: Rule
) -> None:
    job = run(people.job_type(on_reject={"policy": "stop"}, batch_size=100))
    assert_told(job, rule)
    assert counts(job) == {"read": 200, "inserted": 200}
    assert at(people).keys() == {*range(200), 990}, "the bad batch left nothing, the earlier ones all"
    assert Change.objects.filter(job=job, batch__state="committed").count() == 200
    assert [batch.state for batch in JobBatch.objects.filter(job=job)][:2] == ["committed"] * 2
    people.add(203)
    healed = run(people.job_type({"slug": "healed"}, on_reject={"policy": "stop"}, batch_size=100))
    assert (healed.status, counts(healed)) == ("finished", {"read": 300, "inserted": 100, "unchanged": 200})
    assert list(find_breaches()) == []


@pytest.mark.parametrize("rule", RULES, indirect=True)
def test_under_quarantine_all_others_are_written_and_it_is_among_the_rejects(people: People, rule: Rule) -> None:
    job = run(people.job_type(batch_size=100))
    assert (job.status, counts(job)) == ("finished", {"read": 300, "inserted": 299, "rejected": 1}), job.failure
    (reject,) = find_rejects(job=job)
    assert (reject.key, reject.code) == ({"id": 203}, rule.code)
    assert all(words in reject.message for words in rule.words), reject.message
    assert at(people).keys() == {*range(300), 990} - {203}
    assert list(find_breaches()) == []


@pytest.mark.parametrize("rule", [name for name in RULES if name != "unique"], indirect=True)
def test_replacement_that_breaks_a_rule_leaves_the_target_as_it_was(people: People, rule: Rule) -> None:
    """A clash with a row not ours is none here, since that row goes."""
    job = run(people.job_type(on_reject={"policy": "stop"}, mode="replace", batch_size=100))
    assert job.failure is not None, job.status
    assert (job.status, job.failure["code"]) == ("error", rule.code), job.failure
    assert at(people).keys() == {990}


@pytest.mark.parametrize("rule", RULES, indirect=True)
def test_update_that_breaks_a_rule_is_told_like_an_insert(people: People, rule: Rule) -> None:
    people.add(203)
    job_type = people.job_type(on_reject={"policy": "stop"}, batch_size=100)
    run(job_type)
    before = at(people)
    people.add(203, **rule.wrong)
    people.add(204, note="Changed")
    assert_told(run(job_type), rule)
    assert at(people) == before


@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
def test_refused_credentials_mark_the_target_and_cost_no_retry(items: Callable[..., SyncJobType]) -> None:
    job_type = items({"max_retries": 3})
    connector = Connector.objects.get(slug="target")
    connector.credentials = {"password": "gherkin-8127"}
    connector.save_if_unchanged()
    job = run(job_type)
    assert job.failure is not None
    assert (job.status, job.failure["code"], job.retry_after) == ("failed", "credentials_refused", None)
    told = {one.slug: (one.last_test_ok, one.last_test_message) for one in Connector.objects.all()}
    assert told == {"source": (None, ""), "target": (False, job.failure["message"])}
