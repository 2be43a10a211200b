"""Job types made, changed and deleted by a program: whole, by version, with every refusal in the one shape."""

from __future__ import annotations

from typing import Any

import pytest

from syncjobs.models import JobTypeVersion, SyncJob, SyncJobType
from syncjobs.models.job_types import SNAPSHOT_FIELDS
from syncjobs.operations.jobs import cancel_job
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Crontab
from tests.api.conftest import STREAM, Api, MakeApi, error_of

CONNECTORS = {"source_connector": "open-data", "target_connector": "store"}
WHOLE: dict[str, Any] = {
    "slug": "airports-2",
    "name": "Airports <script>",
    "description": "Of today.",
    "enabled": False,
    "controller": "stream_sync",
    "source_document_type": "",
    "keep_tombstones": False,
    "watch_saves": False,
    "watch_quiet_seconds": 0,
    "watch_most_seconds": 0,
    "watch_job_saves": True,
    "target_document_type": "",
    "config": {"streams": [STREAM | {"batch_size": 7, "mapping": [{"to": "icao", "from": "icao"}]}]},
    "queue": "long",
    "timeout": 0,
    "retry_delay": 0,
    "max_retries": 0,
    "verbose_logging": True,
    "insert_enabled": True,
    "update_enabled": False,
    "delete_enabled": False,
    "update_without_changes_enabled": False,
    "overlap": "skip",
    "guards": {"max_deletes": 5},
    "freshness_target": 3600,
    "changes_kept": 0,
    "retention_days": None,
    **CONNECTORS,
}
ANY = {"If-Match": "*"}
SQL = {"config": {"streams": [STREAM | {"query": "SELECT icao FROM airports"}]}}


def test_type_is_made_with_all_its_fields_where_0_and_false_are_values(api: Api, job_type: SyncJobType) -> None:
    response = api.post("job-types/", WHOLE)
    assert response.status_code == 201, response.content
    assert (response["ETag"], response["Location"][-24:]) == ('"1"', "v1/job-types/airports-2/")
    assert {*WHOLE} == {*SNAPSHOT_FIELDS, *CONNECTORS}
    assert {name: response.json()[name] for name in WHOLE} == WHOLE
    read = api.get("job-types/airports-2/")
    assert (read.json(), read["ETag"]) == (response.json(), '"1"')
    assert JobTypeVersion.objects.get(job_type__slug="airports-2").created_by == "anna"


def test_type_takes_what_is_usual_where_nothing_is_given(api: Api, job_type: SyncJobType) -> None:
    body = {"slug": "plain", "config": {"streams": [STREAM]}, **CONNECTORS}
    made = api.post("job-types/", body).json()
    assert [made[name] for name in ("name", "timeout", "max_retries", "queue", "retention_days")] == [
        *("plain", 300, 3, "default", None)
    ]


def test_same_request_again_makes_no_second_type(api: Api, job_type: SyncJobType) -> None:
    first, again = (api.post("job-types/", WHOLE, **{"Idempotency-Key": "a-key"}) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())


def test_change_saves_the_next_version_of_what_was_read(api: Api, job_type: SyncJobType) -> None:
    seen = api.get("job-types/airports/")["ETag"]
    response = api.patch("job-types/airports/", {"max_retries": 0, "enabled": False}, **{"If-Match": seen})
    assert (response.status_code, response["ETag"]) == (200, '"2"')
    told = response.json()
    assert (told["max_retries"], told["enabled"], told["name"], told["version"]) == (0, False, "Airports", 2)
    stale = api.patch("job-types/airports/", {"max_retries": 9}, **{"If-Match": seen})
    assert (stale.status_code, error_of(stale)["code"]) == (412, "precondition_failed")
    assert api.patch("job-types/airports/", {"max_retries": 9}).status_code == 428
    assert api.delete("job-types/airports/").status_code == 428
    assert api.delete("job-types/airports/", **{"If-Match": seen}).status_code == 412
    assert SyncJobType.objects.get().max_retries == 0


def test_null_empties_what_may_be_empty_and_nothing_else(api: Api, job_type: SyncJobType) -> None:
    api.patch("job-types/airports/", {"freshness_target": 60, "retention_days": 3}, **ANY)
    emptied = api.patch("job-types/airports/", {"freshness_target": None, "retention_days": None}, **ANY)
    assert (emptied.json()["freshness_target"], emptied.json()["retention_days"]) == (None, None)
    refused = api.patch("job-types/airports/", {"timeout": None, "config": None, "name": None}, **ANY)
    assert (refused.status_code, set(error_of(refused)["fields"])) == (400, {"timeout", "config", "name"})
    connector = api.patch("job-types/airports/", {"target_connector": None}, **ANY)
    assert error_of(connector)["fields"] == {"target_connector": ["A stream sync needs this connector."]}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no slug": ({"slug": ""}, "slug"),
    "slug with a slash": ({"slug": "a/b"}, "slug"),
    "slug that climbs": ({"slug": "../../x"}, "slug"),
    "slug with a line": ({"slug": "a\nb"}, "slug"),
    "slug with a tag": ({"slug": "<script>"}, "slug"),
    "slug from right to left": ({"slug": "a\u202eb"}, "slug"),
    "long slug": ({"slug": "x" * 101}, "slug"),
    "long name": ({"name": "x" * 256}, "name"),
    "number for a name": ({"name": 7}, "name"),
    "unknown connector": ({"source_connector": "nowhere"}, "source_connector"),
    "connector by its id": ({"source_connector": 1}, "source_connector"),
    "dotted path": ({"controller": "os.system"}, "controller"),
    "empty path": ({"controller": "a..b"}, "controller"),
    "unregistered controller": ({"controller": "teleport"}, "controller"),
    "unknown queue": ({"queue": "express"}, "queue"),
    "queue with spaces": ({"queue": "de fault"}, "queue"),
    "negative timeout": ({"timeout": -1}, "timeout"),
    "endless timeout": ({"timeout": 10**9}, "timeout"),
    "negative retries": ({"max_retries": -1}, "max_retries"),
    "a million retries": ({"max_retries": 10**6}, "max_retries"),
    "word for a delay": ({"retry_delay": "soon"}, "retry_delay"),
    "text for a flag": ({"enabled": "yes"}, "enabled"),
    "unknown overlap": ({"overlap": "maybe"}, "overlap"),
    "list for a config": ({"config": []}, "config"),
    "list for guards": ({"guards": []}, "guards"),
    "unknown guard": ({"guards": {"max_deltes": 5}}, "guards"),
    "guard of 200 %": ({"guards": {"max_delete_share": 2}}, "guards"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_wrong_field_is_named(case: str, api: Api, job_type: SyncJobType) -> None:
    body, field = BAD[case]
    response = api.post("job-types/", {"slug": "new", "config": {"streams": [STREAM]}, **CONNECTORS, **body})
    assert response.status_code == 400, response.content
    assert list(error_of(response)["fields"]) == [field]
    assert SyncJobType.objects.count() == 1


def test_refusals_name_what_there_is(api: Api, job_type: SyncJobType) -> None:
    def told(body: dict[str, Any], field: str) -> str:
        return str(error_of(api.patch("job-types/airports/", body, **ANY))["fields"][field])

    assert "short, default, long" in told({"queue": "express"}, "queue")
    assert "os.system" in told({"controller": "os.system"}, "controller")
    assert "There is no connector 'nowhere'" in told({"target_connector": "nowhere"}, "target_connector")


@pytest.mark.parametrize("name", ["version", "paused_at", "created_at", "slug", "id", "batchsize", "streams"])
def test_unknown_and_read_only_fields_are_refused_and_never_set(name: str, api: Api, job_type: SyncJobType) -> None:
    response = api.patch("job-types/airports/", {name: "x", "max_retries": 9}, **ANY)
    assert (response.status_code, error_of(response)["code"]) == (400, "unknown_field")
    job_type.refresh_from_db()
    assert (job_type.version, job_type.max_retries) == (1, 3)


def test_slug_that_is_taken_is_a_409_in_capitals_too(api: Api, job_type: SyncJobType) -> None:
    for slug in ("airports", "AirPorts"):
        response = api.post("job-types/", {"slug": slug, "config": {"streams": [STREAM]}, **CONNECTORS})
        assert response.status_code == 409, response.content
        assert "'airports'" in error_of(response)["fields"]["slug"][0]


def test_queries_are_written_only_with_the_right_to(make_api: MakeApi, api: Api, job_type: SyncJobType) -> None:
    editor = make_api("add_syncjobtype", "change_syncjobtype", "view_syncjobtype")
    writer = make_api("change_syncjobtype", "sql_edit")
    job_type.source_connector = job_type.target_connector  # of a kind that takes queries
    job_type.save()
    refused = editor.patch("job-types/airports/", SQL, **ANY)
    assert (refused.status_code, error_of(refused)["code"]) == (403, "permission_denied")
    assert "streams[0].query" in error_of(refused)["fields"]["config"][0]
    new = {"slug": "new", **CONNECTORS, **SQL, "source_connector": "store"}
    assert editor.post("job-types/", new).status_code == 403
    assert editor.post("job-types/airports/preview/", SQL).status_code == 403
    assert editor.post("job-types/airports/review/", SQL).status_code == 403
    assert writer.patch("job-types/airports/", SQL, **ANY).status_code == 200
    kept = editor.patch("job-types/airports/", {"max_retries": 1}, **ANY)
    assert kept.status_code == 200, "the query is as it was"


@pytest.mark.parametrize("scopes", [(), ("config:read", "runs:write")])
def test_writing_needs_scope_and_right(scopes: tuple[str, ...], make_api: MakeApi, job_type: SyncJobType) -> None:
    rights = ("add_syncjobtype", "change_syncjobtype", "delete_syncjobtype") if scopes else ("view_syncjobtype",)
    program = make_api(*rights, scopes=scopes)
    answers = [
        program.post("job-types/", WHOLE),
        program.patch("job-types/airports/", {"max_retries": 1}, **ANY),
        program.delete("job-types/airports/", **ANY),
        program.post("job-types/airports/preview/"),
        program.post("job-types/airports/versions/1/use/", **ANY),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5


def test_active_type_is_not_deleted_and_an_idle_one_says_what_went(api: Api, queued: SyncJob) -> None:
    save_schedule(job_type=queued.job_type, name="Nightly", rule=Crontab.from_line("8 2 * * *"), actor="anna")
    refused = api.delete("job-types/airports/", **ANY)
    assert (refused.status_code, f"#{queued.pk}" in error_of(refused)["message"]) == (409, True)
    cancel_job(queued.pk, actor="anna")
    response = api.delete("job-types/airports/", **ANY)
    assert response.status_code == 200, response.content
    gone = {"slug": "airports", "jobs": 1, "versions": 1, "schedules": 1, "cursor_entries": 0, "left": []}
    assert response.json() == gone
    assert api.get("job-types/airports/").status_code == 404
    assert SyncJob.objects.count() == 0


def test_versions_are_listed_compared_and_used_again(api: Api, job_type: SyncJobType) -> None:
    api.patch("job-types/airports/", {"max_retries": 0}, **ANY)
    api.patch("job-types/airports/", {"timeout": 9, "config": {"streams": [STREAM | {"batch_size": 5}]}}, **ANY)
    assert [row["number"] for row in api.get("job-types/airports/versions/").json()["results"]] == [3, 2, 1]
    third = api.get("job-types/airports/versions/3/").json()
    assert (third["snapshot"]["timeout"], third["created_by"], third["compared_with"]) == (9, "anna", 2)
    batch = {"path": ["config", "streams", "airports", "batch_size"], "old": None, "new": 5}
    assert batch | {"was_there": False, "is_there": True} in third["differences"]
    first = api.get("job-types/airports/versions/3/", compared_with=1).json()
    assert {difference["path"][-1] for difference in first["differences"]} == {"timeout", "max_retries", "batch_size"}
    assert api.get("job-types/airports/versions/1/").json()["compared_with"] is None
    assert api.get("job-types/airports/versions/9/").status_code == 404
    assert api.post("job-types/airports/versions/1/use/").status_code == 428
    used = api.post("job-types/airports/versions/1/use/", **{"If-Match": '"3"'})
    assert (used.status_code, used["ETag"], used.json()["max_retries"]) == (200, '"4"', 3)
    assert api.post("job-types/airports/versions/1/use/", **{"If-Match": '"3"'}).status_code == 412


def test_review_tells_what_would_change_and_changes_nothing(api: Api, queued: SyncJob) -> None:
    body = {"max_retries": 0, "config": {"streams": [STREAM | {"mode": "mirror"}]}}
    answer = api.post("job-types/airports/review/", body)
    assert answer.status_code == 200, answer.json()
    told = answer.json()
    assert [one["path"][-1] for one in told["differences"]] == ["mode", "max_retries"]
    assert "One job is active: it keeps the version with which it began." in told["consequences"]
    assert any("mode mirror also deletes" in sentence for sentence in told["consequences"])
    assert api.get("job-types/airports/")["ETag"] == '"1"'
    refused = api.post("job-types/airports/review/", {"queue": "express"})
    assert (refused.status_code, list(error_of(refused)["fields"])) == (400, ["queue"])
