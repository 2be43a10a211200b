"""Rejects of real runs, by a program: by reason, replayed through a mended mapping, dismissed with a reason."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from connectors.models import Connector
from syncjobs.models import Reject, SyncJob
from tests.api.conftest import Api, MakeApi, error_of, secret_of
from tests.streams.conftest import people, run, run_here, target
from tests.streams.people import MAPPING, People, people_at

__all__ = ["people", "target"]
NULL_IF = {"op": "null_if", "values": ["n/a"]}
MENDED = [rule | {"transforms": [NULL_IF]} if rule["to"] == "age" else rule for rule in MAPPING]
ANY = {"If-Match": "*"}

pytestmark = pytest.mark.parametrize("target", ["sqlite"], indirect=True)


@pytest.fixture
def job(people: People) -> SyncJob:
    """A finished job of ten records, of which 3, 4 and 8 were set aside."""
    people.add(*range(10))
    people.add(3, 4, age="n/a")
    people.add(8, age="eighty")
    return run(people.job_type())


@pytest.fixture
def api(job: SyncJob) -> Api:
    return Api(secret_of(User.objects.create_superuser("anna")))


def states() -> dict[int, str]:
    return {one.key["id"]: one.state for one in Reject.objects.all()}


def ids(*keys: int) -> list[int]:
    return [one.pk for one in Reject.objects.order_by("pk") if one.key["id"] in keys]


def test_rejects_are_read_by_reason_mended_and_replayed(api: Api, job: SyncJob) -> None:
    groups = api.get("rejects/groups/", job=job.pk).json()["groups"]
    assert [(one["stream"], one["field"], one["number"]) for one in groups] == [("people", "age", 3)]
    assert groups[0]["sample"]["record"]["age"] == "eighty"
    config = job.job_type.config | {"streams": [job.job_type.config["streams"][0] | {"mapping": MENDED}]}
    assert api.patch(f"job-types/{job.job_type.slug}/", {"config": config}, **ANY).status_code == 200
    response = api.post("rejects/replay/", {"job": job.pk, "fingerprint": groups[0]["fingerprint"]})
    assert response.status_code == 202, response.content
    replay = SyncJob.objects.get(pk=response.json()["id"])
    assert (replay.trigger_type, replay.replay_of_id) == ("api", job.pk)
    run_here(replay)
    assert states() == {3: "replayed", 4: "replayed", 8: "open"}
    assert people_at(Connector.objects.get(slug="target"))[3]["age"] is None


def test_single_rejects_are_replayed_once_for_each_key(api: Api, job: SyncJob) -> None:
    body = {"rejects": ids(3)}
    first, again = (api.post("rejects/replay/", body, **{"Idempotency-Key": "a-key"}) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()["id"]) == (202, 202, first.json()["id"])
    assert SyncJob.objects.count() == 2


def test_rejects_are_dismissed_with_a_reason(api: Api, job: SyncJob) -> None:
    assert error_of(api.post("rejects/dismiss/", {"rejects": ids(8)}))["fields"] == {
        "reason": ["This field is required."]
    }
    blank = api.post("rejects/dismiss/", {"rejects": ids(8), "reason": "  "})
    assert (blank.status_code, set(error_of(blank)["fields"])) == (400, {"reason"})
    assert api.post("rejects/dismiss/", {"rejects": ids(8), "reason": "left us"}).json() == {"dismissed": 1}
    assert states() == {3: "open", 4: "open", 8: "dismissed"}
    told = api.get(f"rejects/{ids(8)[0]}/").json()
    assert (told["closed_by"], told["closing_reason"]) == ("anna", "left us")
    body = {"job_type": job.job_type.slug, "stream": "people", "code": "wrong_type", "reason": "all left us"}
    assert api.post("rejects/dismiss/", body).json() == {"dismissed": 2}
    again = api.post("rejects/replay/", {"job": job.pk})
    assert (again.status_code, "no open reject" in error_of(again)["message"]) == (400, True)


def test_choice_that_is_none_is_refused_by_its_field(api: Api, job: SyncJob) -> None:
    for body, field in (
        ({}, "rejects"),
        ({"rejects": []}, "rejects"),
        ({"rejects": ["1"]}, "rejects.0"),
        ({"rejects": [1] * 501}, "rejects"),
        ({"job": 2**40}, "job"),
        ({"job_type": "nowhere"}, "job_type"),
        ({"state": "open"}, "state"),
    ):
        response = api.post("rejects/replay/", body)
        assert (response.status_code, list(error_of(response)["fields"])) == (400, [field]), body
    assert states() == {3: "open", 4: "open", 8: "open"}


def test_rejects_of_a_paused_type_wait(api: Api, job: SyncJob) -> None:
    api.post(f"job-types/{job.job_type.slug}/pause/")
    refused = api.post("rejects/replay/", {"job": job.pk})
    assert (refused.status_code, error_of(refused)["code"]) == (409, "conflict")


def test_deciding_about_rejects_needs_the_right_on_jobs(job: SyncJob, make_api: MakeApi) -> None:
    viewer = make_api("view_syncjob")
    assert viewer.get("rejects/groups/").status_code == 200
    for verb in ("replay", "dismiss"):
        assert viewer.post(f"rejects/{verb}/", {"job": job.pk, "reason": "x"}).status_code == 403
