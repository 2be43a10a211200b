"""Bad records under quarantine and under stop: what is written, what is kept, what is counted, and when it ends."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.models import Connector
from syncjobs.diffs import MASK
from syncjobs.models import Change, JobBatch, JobEvent, JobLog, Reject, SyncJob
from syncjobs.operations.descriptions import describe_job
from syncjobs.operations.rejects import find_rejects, replay_rejects
from syncjobs.operations.state_checks import find_breaches
from tests.streams.conftest import counts, run, run_here
from tests.streams.people import MAPPING, People, SQLAtTarget, people_at

TABLE = "CREATE TABLE people (id bigint PRIMARY KEY, email text, age integer, boss bigint, note text)"
NOT_OURS = "INSERT INTO people VALUES (990, 'taken@example.org', 50, NULL, 'Not ours')"


def rejects_of(job: SyncJob) -> list[tuple[Any, str, str]]:
    """(id, field, code) of each reject that counts, in order."""
    return [(one.key.get("id"), one.field, one.code) for one in find_rejects(job=job)]


def at(slug: str) -> dict[int, dict[str, Any]]:
    return people_at(Connector.objects.get(slug=slug))


def mended() -> list[dict[str, Any]]:
    """The mapping with an age of n/a taken for none."""
    null_if = {"op": "null_if", "values": ["n/a"]}
    return [rule | {"transforms": [null_if]} if rule["to"] == "age" else rule for rule in MAPPING]


def test_one_bad_record_in_ten_thousand_is_set_aside_and_replays_after_the_mapping_is_mended(people: People) -> None:
    people.add(*range(10_000))
    people.add(7_777, age="n/a")
    job_type = people.job_type()
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 10_000, "inserted": 9_999, "rejected": 1}), job.failure
    assert len(at(people.target)) == 9_999
    (reject,) = find_rejects(job=job)
    assert (reject.key, reject.field, reject.code, reject.state) == ({"id": 7_777}, "age", "wrong_type", "open")
    assert reject.message == "age value 'n/a' is not a number"
    assert reject.values == {
        "id": 7_777,
        "email": "7777@example.org",
        "age": "n/a",
        "boss": None,
        "note": "Person 7777",
    }
    job_type.config["streams"][0]["mapping"] = mended()
    job_type.save()
    replay = run_here(replay_rejects(job=job, actor="ann"))
    assert (replay.status, counts(replay)) == ("finished", {"read": 1, "inserted": 1}), replay.failure
    assert (replay.replay_of, replay.trigger_type) == (job, "manual")
    assert (len(at(people.target)), at(people.target)[7_777]["age"]) == (10_000, None)
    reject.refresh_from_db()
    assert (reject.state, reject.closed_by_job) == ("replayed", replay)
    assert list(find_breaches()) == []


def test_under_stop_in_one_batch_nothing_changes_and_key_field_and_reason_are_named(people: People) -> None:
    people.add(*range(10_000))
    people.add(7_777, age="n/a")
    job = run(people.job_type(on_reject={"policy": "stop"}))
    assert (job.status, counts(job)) == ("error", {})
    assert job.failure is not None
    for words in ("people: ", "id=7777", "age", "'n/a' is not a number"):
        assert words in job.failure["message"], job.failure
    assert at(people.target) == {}
    assert not find_rejects(job=job).exists()


def test_under_stop_the_batches_before_the_bad_one_stay_and_are_counted(people: People) -> None:
    people.add(*range(10_000))
    people.add(7_777, age="n/a")
    job = run(people.job_type(on_reject={"policy": "stop"}, batch_size=1_000))
    assert (job.status, counts(job)) == ("error", {"read": 7_000, "inserted": 7_000})
    assert max(at(people.target)) == 6_999
    assert list(find_breaches()) == []


REFUSALS: dict[str, tuple[str, dict[str, Any], str | None, str]] = {
    "unique": ("CREATE UNIQUE INDEX one_email ON people (email)", {"email": "taken@example.org"}, "email", "unique"),
    "not_null": (TABLE.replace("email text", "email text NOT NULL"), {"email": None}, "email", "not_null"),
    "check": (TABLE.replace("age integer", "age integer CHECK (age < 100)"), {"age": "200"}, None, "check"),
    "foreign_key": (
        TABLE.replace("boss bigint", "boss bigint REFERENCES people (id)"),
        {"boss": 123_456},
        "",
        "foreign_key",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_the_target_refuses_is_found_among_the_others_and_told_by_its_own_code(
    people: People, sql_at_target: SQLAtTarget, name: str
) -> None:
    rule, wrong, field, code = REFUSALS[name]
    sql_at_target(rule if rule.startswith("CREATE TABLE") else TABLE)
    if not rule.startswith("CREATE TABLE"):
        sql_at_target(rule)
    sql_at_target(NOT_OURS)
    people.add(*range(300))
    people.add(17, 203, **wrong)
    job = run(people.job_type(batch_size=120))
    assert (job.status, counts(job)) == ("finished", {"read": 300, "inserted": 298, "rejected": 2}), job.failure
    rejects = list(find_rejects(job=job))
    assert [one.key["id"] for one in rejects] == [17, 203]
    assert {one.code for one in rejects} == {code}
    assert field is None or {one.field for one in rejects} == {field}
    assert all(f"id={one.key['id']}" in one.message for one in rejects)
    assert at(people.target).keys() == {*range(300), 990} - {17, 203}
    assert Change.objects.filter(job=job).count() == 298
    assert list(find_breaches()) == []


def test_of_two_records_that_clash_with_each_other_the_second_is_set_aside(
    people: People, sql_at_target: SQLAtTarget
) -> None:
    sql_at_target(TABLE.replace("email text", "email text UNIQUE"))
    people.add(*range(40))
    people.add(8, 31, email="same@example.org")
    job = run(people.job_type())
    assert (counts(job), rejects_of(job)) == (
        {"read": 40, "inserted": 39, "rejected": 1},
        [(31, "email", "unique")],
    )
    assert at(people.target)[8]["email"] == "same@example.org"


def test_records_that_refer_to_later_ones_of_their_table_are_no_rejects(
    people: People, sql_at_target: SQLAtTarget
) -> None:
    sql_at_target(TABLE.replace("boss bigint", "boss bigint REFERENCES people (id)"))
    people.add(*range(60))
    people.add(3, 4, boss=55)
    people.add(20, boss=123_456)
    job = run(people.job_type())
    assert (counts(job), rejects_of(job)) == (
        {"read": 60, "inserted": 59, "rejected": 1},
        [(20, "", "foreign_key")],
    )


def test_values_that_no_type_or_text_can_hold_are_set_aside_with_the_record_as_it_was(people: People) -> None:
    wrong = {1: "12\x00", 2: "3e99", 3: "NaN", 4: "2147483648", 5: "1.5", 6: "", 7: "🙂"}
    people.add(*range(10))
    for number, age in wrong.items():
        people.add(number, age=age)
    people.add(8, note="zero \x00 inside")
    job = run(people.job_type())
    assert (job.status, counts(job)) == ("finished", {"read": 10, "inserted": 2, "rejected": 8}), job.failure
    kept = {one.key["id"]: one for one in find_rejects(job=job)}
    assert {number: kept[number].values["age"] for number in wrong} == wrong
    assert (kept[8].field, kept[8].values["note"]) == ("note", "zero \x00 inside")
    assert at(people.target).keys() == {0, 9}


def test_record_without_a_key_is_set_aside_and_can_be_replayed(people: People) -> None:
    people.add(1, 2, 3)
    people.add(2, email=None)
    job_type = people.job_type(key=["email"])
    job = run(job_type)
    assert counts(job) == {"read": 3, "inserted": 2, "rejected": 1}
    (reject,) = find_rejects(job=job)
    assert (reject.code, reject.field, reject.key_hash) == ("null_key", "email", None)
    given = {"to": "email", "case": [{"when": {"field": "email", "op": "is_null", "value": True}, "then": "none"}]}
    given["else"] = "unknown"
    job_type.config["streams"][0]["mapping"] = [given if rule["to"] == "email" else rule for rule in MAPPING]
    job_type.save()
    assert counts(run_here(replay_rejects(job=job, actor="ann"))) == {"read": 1, "inserted": 1}
    assert at(people.target)[2]["email"] == "none"


def test_more_rejects_than_allowed_end_the_job_and_the_committed_batches_stay(people: People) -> None:
    people.add(*range(100))
    people.add(*range(25, 100, 10), age="n/a")  # 25, 35, 45, 55 …
    job = run(people.job_type(batch_size=20, on_reject={"policy": "quarantine", "max": 3}))
    assert (job.status, counts(job)) == ("error", {"read": 40, "inserted": 38, "rejected": 2})
    assert job.failure is not None
    assert job.failure["code"] == "too_many_rejects"
    assert "already 4 records do not fit, more than the 3 that on_reject.max allows" in job.failure["message"]
    assert "id=55" in job.failure["message"]
    assert rejects_of(job) == [(25, "age", "wrong_type"), (35, "age", "wrong_type")]
    assert max(at(people.target)) == 39
    assert list(find_breaches()) == []


def test_search_for_what_the_target_refuses_ends_at_the_limit_too(people: People, sql_at_target: SQLAtTarget) -> None:
    sql_at_target(TABLE.replace("email text", "email text NOT NULL"))
    people.add(*range(200))
    people.add(*range(0, 200, 2), email=None)
    job = run(people.job_type(on_reject={"policy": "quarantine", "max": 5}))
    assert (job.status, counts(job)) == ("error", {})
    assert job.failure is not None
    assert "already 6 records do not fit, more than the 5" in job.failure["message"]
    assert not JobBatch.objects.filter(job=job).exists()
    assert at(people.target) == {}


def test_share_is_judged_from_a_thousand_records_on(people: People) -> None:
    people.add(*range(3_000))
    people.add(*range(0, 30, 2), *range(1_500, 1_600), age="n/a")
    policy = {"policy": "quarantine", "max": 1_000, "max_share": 0.02}
    job = run(people.job_type(batch_size=500, on_reject=policy))
    assert (job.status, counts(job)) == ("error", {"read": 1_500, "inserted": 1_485, "rejected": 15})
    assert job.failure is not None
    assert "115 of 2,000 records do not fit (5.75%), more than the 2.00%" in job.failure["message"]


def test_share_of_a_small_source_is_judged_at_its_end(people: People) -> None:
    people.add(*range(50))
    people.add(7, age="n/a")
    job = run(people.job_type(on_reject={"policy": "quarantine", "max_share": 0.01}))
    assert (job.status, counts(job)) == ("error", {"read": 50, "inserted": 49, "rejected": 1})
    assert job.failure is not None
    assert "1 of 50 records do not fit (2.00%)" in job.failure["message"]
    assert len(at(people.target)) == 49


def test_reject_heals_when_a_later_run_writes_its_record(people: People) -> None:
    people.add(*range(30))
    people.add(4, 5, age="n/a")
    job_type = people.job_type(batch_size=10)
    first = run(job_type)
    again = run(job_type)
    assert counts(again) == {"read": 30, "unchanged": 28, "rejected": 2}
    people.add(4)
    healing = run(job_type)
    assert counts(healing) == {"read": 30, "inserted": 1, "unchanged": 28, "rejected": 1}
    states = {(one.job_id, one.key["id"]): (one.state, one.closed_by_job_id) for one in Reject.objects.all()}
    assert states == {
        (first.pk, 4): ("healed", healing.pk),
        (first.pk, 5): ("open", None),
        (again.pk, 4): ("healed", healing.pk),
        (again.pk, 5): ("open", None),
        (healing.pk, 5): ("open", None),
    }
    assert list(find_breaches()) == []


def test_nothing_heals_where_updates_are_switched_off_or_the_run_is_dry(people: People) -> None:
    people.add(1, 2)
    people.add(2, age="n/a")
    job_type = people.job_type()
    run(job_type)
    people.add(2)
    assert counts(run(job_type, dry_run=True)) == {"read": 2, "inserted": 1, "unchanged": 1}
    assert counts(run(job_type, insert_enabled=False)) == {"read": 2, "unchanged": 1, "skipped": 1}
    assert [one.state for one in Reject.objects.all()] == ["open"]


def test_dry_run_shows_its_rejects_and_leaves_nobody_anything_to_do(people: People) -> None:
    people.add(1, 2)
    people.add(2, age="n/a")
    job = run(people.job_type(), dry_run=True)
    assert (counts(job), rejects_of(job)) == ({"read": 2, "inserted": 1, "rejected": 1}, [(2, "age", "wrong_type")])
    assert not Reject.objects.waiting().exists()


def test_masked_field_is_in_no_reject_change_or_failure(people: People, sql_at_target: SQLAtTarget) -> None:
    sql_at_target(TABLE.replace("note text", "note text NOT NULL"))
    people.add(1, 2, 3, email="secret@example.org")
    people.add(2, note=None)
    people.add(3, age="n/a")
    streams = people.job_type(type_={"slug": "unmasked"}).config["streams"]
    job_type = people.job_type(type_={"config": {"streams": streams, "masked_fields": ["email", "age"]}})
    job = run(job_type, verbose_logging=True)
    assert counts(job) == {"read": 3, "inserted": 1, "rejected": 2}
    for reject in find_rejects(job=job):
        assert (reject.values["email"], reject.values["age"], reject.is_whole) == (MASK, MASK, False)
        assert "n/a" not in reject.message + reject.pattern
    people.add(1, email="moved@example.org")
    changed = run(job_type)
    assert Change.objects.get(job=changed).fields["email"] == [MASK, MASK]
    told = " ".join(JobLog.objects.filter(job=job).values_list("message", flat=True))
    assert "secret" not in told + str(list(job.changes.values()))
    replay = run_here(replay_rejects(job=job, actor="ann"))
    assert counts(replay) == {}
    assert JobLog.objects.filter(job=replay, level="WARNING", message__contains="cannot be replayed").exists()
    assert "2 rejects" in JobLog.objects.get(job=replay, message__contains="cannot be replayed").message


@pytest.mark.parametrize(("masked", "who"), [(["age"], "id=2"), (["id", "age"], f"id={MASK}")], ids=["value", "key"])
def test_masked_value_that_stops_a_job_is_told_by_its_record_alone(people: People, masked: list[str], who: str) -> None:
    people.add(1, 2, 3)
    people.add(2, age="quincemask")
    streams = people.job_type(type_={"slug": "stopped"}, on_reject={"policy": "stop"}).config["streams"]
    job = run(people.job_type(type_={"config": {"streams": streams, "masked_fields": masked}}))
    assert job.failure is not None
    assert job.failure["message"] == f"people: record {who}: age has a masked value that does not fit (wrong_type)"
    told = [*JobLog.objects.filter(job=job).values_list("message", flat=True), job.error_message]
    assert not [text for text in told if "quincemask" in text]


def test_source_without_a_key_stops_at_what_its_target_refuses_and_sets_aside_what_cannot_be_mapped(
    people: People, sql_at_target: SQLAtTarget
) -> None:
    people.keyless([("1", "a"), ("2", "b"), ("3", "c"), ("n/a", "d")])
    mapping = [{"to": "age", "from": "age", "type": "integer"}, {"to": "note", "from": "note", "type": "text"}]
    keyless: dict[str, Any] = {"source": "keyless", "target": "notes", "key": [], "mode": "append", "mapping": mapping}
    job_type = people.job_type(**keyless)
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 4, "inserted": 3, "rejected": 1}), job.failure
    sql_at_target("CREATE UNIQUE INDEX one_note ON notes (note)")
    job = run(job_type)
    assert (job.status, counts(job)) == ("error", {})
    assert job.failure is not None
    assert job.failure["code"] == "unique"
    assert JobLog.objects.filter(job=job, level="WARNING", message__contains="no key to order by").exists()


def test_mirror_keeps_the_record_whose_new_state_was_set_aside(people: People) -> None:
    people.add(*range(10))
    job_type = people.job_type(mode="mirror")
    run(job_type)
    people.add(3, age="n/a")
    people.put([(4, "4@example.org", "41", None, "Person 4")])
    people.drop(5)
    job = run(job_type)
    expected = {"read": 9, "updated": 1, "deleted": 1, "unchanged": 7, "rejected": 1}
    assert (job.status, counts(job)) == ("finished", expected), job.failure
    rows = at(people.target)
    assert rows.keys() == {*range(10)} - {5}
    assert (rows[3]["age"], rows[4]["age"]) == (40, 41)
    people.add(3, note="Person three")
    assert counts(run(job_type)) == {"read": 9, "updated": 1, "unchanged": 8}
    assert [one.state for one in find_rejects(job=job)] == ["healed"]
    assert list(find_breaches()) == []


def test_replacement_sets_aside_and_heals_when_it_is_swapped_in(people: People, sql_at_target: SQLAtTarget) -> None:
    sql_at_target(TABLE.replace("email text", "email text NOT NULL"))
    people.add(*range(10))
    people.add(3, age="n/a")
    people.add(4, 5, email=None)
    job_type = people.job_type(mode="replace", batch_size=4)
    first = run(job_type)
    assert (first.status, counts(first)) == ("finished", {"read": 10, "inserted": 7, "rejected": 3}), first.failure
    assert rejects_of(first) == [(3, "age", "wrong_type"), (4, "email", "not_null"), (5, "email", "not_null")]
    people.add(3, 4)
    second = run(job_type)
    assert counts(second)["rejected"] == 1
    assert [one.state for one in find_rejects(job=first)] == ["healed", "healed", "open"]
    assert at(people.target).keys() == {*range(10)} - {5}
    assert list(find_breaches()) == []


def test_field_of_a_text_that_is_too_long_for_postgresql_is_told(people: People, sql_at_target: SQLAtTarget) -> None:
    sql_at_target(TABLE.replace("note text", "note varchar(12)"))
    people.add(*range(9))
    people.add(5, note="Much too long a note")
    job = run(people.job_type())
    if Connector.objects.get(slug=people.target).kind == "sqlite":  # it knows no lengths
        assert counts(job) == {"read": 9, "inserted": 9}
        return
    assert counts(job) == {"read": 9, "inserted": 8, "rejected": 1}
    assert rejects_of(job) == [(5, "note", "value_too_long")]


def test_values_that_were_set_to_null_are_counted_for_the_whole_job(people: People) -> None:
    bounds = {"op": "bounds", "min": 0, "max": 120, "outside": "null"}
    mapping = [one | {"transforms": [bounds]} if one["to"] == "age" else one for one in MAPPING]
    people.add(*range(1, 26))
    people.add(*range(1, 24, 2), age="300")
    job = run(people.job_type(mapping=mapping, batch_size=10))
    assert (job.status, job.checkpoint["batch_no"]) == ("finished", 3)
    assert describe_job(job)["nulled"] == {"age": 12}
    assert JobEvent.objects.filter(job=job, reason__endswith="; set to null: age 12").exists()


def test_values_that_lost_nul_characters_are_counted_for_the_whole_job(people: People) -> None:
    mapping = [one | {"transforms": [{"op": "strip_nul"}]} if one["type"] == "text" else one for one in MAPPING]
    people.add(*range(1, 26))
    people.add(*range(1, 24, 2), note="no\0te")
    people.add(2, age="many", note="\0")  # a reject, of which nothing is written
    job = run(people.job_type(mapping=mapping, batch_size=10))
    assert (job.status, job.checkpoint["batch_no"]) == ("finished", 3)
    assert (describe_job(job)["stripped"], describe_job(job)["nulled"]) == ({"note": 12}, {})
    assert JobEvent.objects.filter(job=job, reason__endswith="; NULs taken out: note 12").exists()
    assert JobLog.objects.filter(job=job, message="Took NUL characters out of 5 values of note").exists()
    assert at(people.target)[3]["note"] == "note"
