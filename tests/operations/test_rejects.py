"""Operations on rejects: groups, replay, dismissal, and the command line over them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from connectors.models import Connector
from syncjobs.models import Reject, SyncJob, SyncJobType
from syncjobs.operations.job_type_states import pause_job_type
from syncjobs.operations.job_types import save_job_type
from syncjobs.operations.jobs import delete_job, restart_job
from syncjobs.operations.rejects import dismiss_rejects, find_rejects, group_rejects, replay_rejects
from syncjobs.operations.run_requests import RunRefused
from syncjobs.operations.state_checks import find_breaches
from tests.streams.conftest import counts, people, run, run_here, sql_at_target, target
from tests.streams.people import MAPPING, STREAM, People, SQLAtTarget, people_at

__all__ = ["people", "sql_at_target", "target"]
NULL_IF = {"op": "null_if", "values": ["n/a"]}
MENDED = [rule | {"transforms": [NULL_IF]} if rule["to"] == "age" else rule for rule in MAPPING]
TABLE = "CREATE TABLE people (id bigint PRIMARY KEY, email text NOT NULL, age integer, boss bigint, note text)"


def mend(job_type: SyncJobType, mapping: list[dict[str, Any]] = MENDED) -> None:
    job_type.config["streams"][0]["mapping"] = mapping
    save_job_type(job_type, actor="ann")


@pytest.fixture
def rejecting(people: People) -> SyncJob:
    """A finished job of ten records, of which 3, 4 and 8 were set aside."""
    people.add(*range(10))
    people.add(3, 4, age="n/a")
    people.add(8, age="eighty")
    return run(people.job_type())


def states(job: SyncJob) -> dict[int, str]:
    return {one.key["id"]: one.state for one in find_rejects(job=job)}


def test_groups_tell_each_reason_once_with_number_times_and_a_sample(
    people: People, sql_at_target: SQLAtTarget
) -> None:
    sql_at_target(TABLE)
    people.add(*range(20))
    people.add(1, 2, 3, email=None)
    people.add(5, age="x1")
    people.add(6, age="y22")
    job = run(people.job_type())
    groups = group_rejects(find_rejects(job=job))
    told = [(one.stream, one.code, one.field, one.number) for one in groups]
    assert told == [("people", "not_null", "email", 3), ("people", "wrong_type", "age", 2)]
    assert [one.pattern for one in groups] == [
        "people: record … has no email, which the target requires",
        "age value … is not a number",
    ]
    assert [one.sample.key for one in groups] == [{"id": 3}, {"id": 6}]
    assert all(one.first_at <= one.last_at for one in groups)
    assert group_rejects(find_rejects(job_type=job.job_type, state="healed")) == []


def test_replay_writes_what_fits_now_and_keeps_the_rest_open_with_its_new_reason(
    people: People, rejecting: SyncJob
) -> None:
    job_type = rejecting.job_type
    mend(job_type, [rule | {"type": "boolean"} if rule["to"] == "age" else rule for rule in MAPPING])
    in_vain = run_here(replay_rejects(job=rejecting, actor="ann"))
    assert (in_vain.status, counts(in_vain)) == ("finished", {"read": 3, "rejected": 3}), in_vain.failure
    assert states(rejecting) == {3: "open", 4: "open", 8: "open"}
    messages = {one.message for one in find_rejects(job=rejecting)}
    assert messages == {f"age value '{age}' is neither true nor false" for age in ("n/a", "eighty")}
    mend(job_type)
    replay = run_here(replay_rejects(job_type=job_type, actor="ann"))
    assert (replay.status, counts(replay)) == ("finished", {"read": 3, "inserted": 2, "rejected": 1}), replay.failure
    assert states(rejecting) == {3: "replayed", 4: "replayed", 8: "open"}
    assert Reject.objects.count() == 3
    assert people_at(Connector.objects.get(slug="target")).keys() == {*range(10)} - {8}
    assert list(find_breaches()) == []


def test_replay_of_a_mirror_deletes_nothing(people: People, rejecting: SyncJob) -> None:
    job_type = rejecting.job_type
    job_type.config["streams"][0] |= {"mode": "mirror"}
    mend(job_type)
    replay = run_here(replay_rejects(job=rejecting, actor="ann"))
    assert counts(replay) == {"read": 3, "inserted": 2, "rejected": 1}
    assert len(people_at(Connector.objects.get(slug="target"))) == 9


def test_replay_of_a_record_that_was_rejected_again_brings_its_newest_state(people: People, rejecting: SyncJob) -> None:
    people.add(3, age="n/a", note="Renamed")
    again = run(rejecting.job_type)
    mend(rejecting.job_type)
    replay = run_here(replay_rejects(job=rejecting, actor="ann"))
    assert counts(replay) == {"read": 3, "inserted": 2, "rejected": 1}
    assert people_at(Connector.objects.get(slug="target"))[3]["note"] == "Renamed"
    assert states(rejecting) == states(again) == {3: "replayed", 4: "replayed", 8: "open"}


def test_single_rejects_can_be_replayed_and_a_restarted_replay_does_the_rest(
    people: People, rejecting: SyncJob
) -> None:
    chosen = find_rejects(job=rejecting).first()
    assert chosen is not None
    first = run_here(replay_rejects(rejects=[chosen.pk], actor="ann"))
    assert counts(first) == {"read": 1, "rejected": 1}
    mend(rejecting.job_type)
    again = run_here(restart_job(first.pk, actor="ann"))
    assert counts(again) == {"read": 1, "rejected": 1}, "a restart keeps the mapping that the job had"
    replay = run_here(replay_rejects(rejects=[chosen.pk], actor="ann"))
    assert counts(replay) == {"read": 1, "inserted": 1}
    assert states(rejecting) == {3: "replayed", 4: "open", 8: "open"}


def test_replay_over_two_streams_makes_a_child_for_each(people: People) -> None:
    people.add(1, 2)
    people.add(2, age="n/a")
    second = STREAM | {"target": "again", "mapping": MAPPING, "on_reject": {"policy": "quarantine"}}
    people.view("others")
    streams = [second | {"target": "people"}, second | {"source": "others"}]
    job_type = people.job_type(type_={"config": {"streams": streams}})
    parent = run(job_type)
    for child in parent.children.all():
        assert counts(run_here(child)) == {"read": 2, "inserted": 1, "rejected": 1}
    assert find_rejects(job=parent).count() == 2
    job_type.config["streams"] = [stream | {"mapping": MENDED} for stream in streams]
    save_job_type(job_type, actor="ann")
    replay = run_here(replay_rejects(job=parent, actor="ann"))
    assert replay.status == "relayed"
    assert [counts(run_here(child)) for child in replay.children.all()] == [{"read": 1, "inserted": 1}] * 2
    assert not Reject.objects.waiting().exists()


def test_what_cannot_be_replayed_is_refused_in_a_sentence(people: People, rejecting: SyncJob) -> None:
    clean = run(people.job_type(type_={"slug": "clean"}, filters=[{"field": "id", "op": "lt", "value": 2}]))
    with pytest.raises(RunRefused, match=f"there is no open reject of job #{clean.pk} to replay"):
        replay_rejects(job=clean, actor="ann")
    with pytest.raises(RunRefused, match="of which job or job type"):
        replay_rejects(actor="ann")
    pause_job_type(rejecting.job_type, actor="ann")
    with pytest.raises(RunRefused, match="People is paused"):
        replay_rejects(job=rejecting, actor="ann")


def test_dismissed_rejects_stay_with_their_reason_and_are_not_replayed(rejecting: SyncJob) -> None:
    with pytest.raises(RunRefused, match="say why"):
        dismiss_rejects(job=rejecting, actor="ann", reason="  ")
    assert dismiss_rejects(job=rejecting, actor="ann", reason="Test people") == 3
    reject = find_rejects(job=rejecting)[0]
    assert (reject.state, reject.closed_by, reject.closing_reason) == ("dismissed", "ann", "Test people")
    assert reject.closed_at is not None
    assert dismiss_rejects(job=rejecting, actor="ann", reason="Again") == 0
    with pytest.raises(RunRefused, match="no open reject"):
        replay_rejects(job=rejecting, actor="ann")


def test_deleting_jobs_takes_their_rejects_along_and_keeps_those_that_they_closed(
    people: People, rejecting: SyncJob
) -> None:
    mend(rejecting.job_type)
    replay = run_here(replay_rejects(job=rejecting, actor="ann"))
    delete_job(replay.pk, actor="ann")
    assert states(rejecting) == {3: "replayed", 4: "replayed", 8: "open"}
    assert find_rejects(job=rejecting)[0].closed_by_job is None
    delete_job(rejecting.pk, actor="ann")
    assert not Reject.objects.exists()


def test_lost_or_additional_rejects_are_a_breach(rejecting: SyncJob) -> None:
    assert list(find_breaches()) == []
    find_rejects(job=rejecting)[0].delete()
    (breach,) = find_breaches()
    assert (breach.job_id, breach.rule) == (rejecting.pk, "kept_rejects")
    assert "kept is 2, counted is 3" in breach.message


def test_commands_list_group_replay_and_dismiss(
    people: People, rejecting: SyncJob, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sync", "rejects", str(rejecting.pk))
    told = capsys.readouterr().out
    assert "id=8" in told
    assert "age value 'eighty' is not a number" in told
    call_command("sync", "rejects", "--type", "people", "--group", "--json")
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    assert (group["number"], group["field"], group["sample"]["record"]["age"]) == (3, "age", "eighty")
    mend(rejecting.job_type)
    call_command("sync", "replay", str(rejecting.pk), "--inline", "--json")
    assert json.loads(capsys.readouterr().out)["counts"]["inserted"] == 2
    call_command("sync", "dismiss", "--type", "people", "--reason", "A typing error")
    assert "1 reject is dismissed." in capsys.readouterr().out
    with pytest.raises(CommandError, match="There is no open reject of people to replay"):
        call_command("sync", "replay", "--type", "people")
    call_command("sync", "rejects", str(rejecting.pk), "--state", "dismissed", "--json")
    (dismissed,) = json.loads(capsys.readouterr().out)["rejects"]
    assert (dismissed["key"], dismissed["closing_reason"]) == ({"id": 8}, "A typing error")
