"""`manage.py sync list`, `show` and `children` over jobs in all states."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from syncjobs.clock import db_now
from syncjobs.counts import Counts
from syncjobs.lifecycle.plans import basis_of
from syncjobs.models import Change, Plan, SyncJob
from tests.commands.conftest import Ask
from tests.lifecycle.factories import JobFactory, JobTypeFactory


def relay(*statuses: str) -> SyncJob:
    """A relayed job with a child of each status."""
    parent = JobFactory.create(status="relayed")
    shared: dict[str, Any] = {"parent": parent, "job_type": parent.job_type, "target_document_type": "sap.Customer"}
    shared |= {"created_at": parent.created_at, "operation": "update", "trigger_type": "relay"}
    SyncJob.objects.bulk_create(
        SyncJob(**shared, position=position, status=status, target_document_name=f"C{position}")
        for position, status in enumerate(statuses)
    )
    return parent


def test_children_are_listed_in_their_order_with_what_became_of_them(ask: Ask) -> None:
    parent = relay("finished", "failed", "queued")
    first = parent.children.order_by("position")[0]
    SyncJob.objects.filter(pk=first.pk).update(counts=Counts(read=1, updated=1).as_dict())
    said = ask("sync", "children", parent.pk)
    heading, *lines, summary = said.output.splitlines()
    assert heading.split() == ["ID", "STATUS", "OPERATION", "COUNTS", "TARGET"]
    assert " ".join(lines[0].split()) == f"{first.pk} Finished update 1 read, 1 updated sap.Customer C0"
    assert [line.split()[1] for line in lines] == ["Finished", "Failed", "Queued"]
    assert summary == "3 in all: 1 done, 1 failed, 1 running"


def test_children_as_json_are_one_object(ask: Ask) -> None:
    parent = relay("finished", "skipped")
    told = ask("sync", "children", parent.pk, "--json").json
    assert set(told) == {"parent", "summary", "children"}
    assert (told["parent"], told["summary"]["done"]) == (parent.pk, 2)
    assert [child["position"] for child in told["children"]] == [0, 1]
    assert told["children"][1] | {"id": 0} == {
        "id": 0,
        "position": 1,
        "status": "skipped",
        "operation": "update",
        "target_document_type": "sap.Customer",
        "target_document_name": "C1",
        "attempt": 0,
        "counts": Counts().as_dict(),
        "failure": None,
    }


def test_a_job_without_children_lists_none(ask: Ask) -> None:
    job = JobFactory.create(status="finished")
    assert ask("sync", "children", job.pk) == (0, "0 in all: 0 done, 0 failed, 0 running\n", "")
    assert ask("sync", "children", job.pk, "--json").json["children"] == []
    assert ask("sync", "children", 99999).code == 3


def test_many_children_are_read_page_by_page_and_none_is_left_out(ask: Ask) -> None:
    parent = relay(*["queued"] * 1201)
    with CaptureQueriesContext(connection) as queries:
        said = ask("sync", "children", parent.pk, "--json")
    assert [child["position"] for child in said.json["children"]] == list(range(1201))
    assert len(queries) < 12
    assert len(ask("sync", "children", parent.pk).output.splitlines()) == 1203


def test_the_list_is_limited_to_what_is_asked_for(ask: Ask) -> None:
    parent = relay("finished", "failed")
    planned = JobFactory.create(status="finished", dry_run=True)

    def listed(*options: object) -> list[int]:
        return [job["id"] for job in ask("sync", "list", *options, "--json").json["jobs"]]

    second, first = parent.children.order_by("-position").values_list("pk", flat=True)
    assert listed() == [planned.pk, second, first, parent.pk]
    assert listed("--parent", parent.pk) == [second, first]
    assert listed("--parent", parent.pk, "--status", "failed") == [second]
    assert listed("--dry-run") == [planned.pk]
    assert listed("--type", planned.job_type.slug) == [planned.pk]
    assert ask("sync", "list", "--parent", 99999).code == 3
    assert ask("sync", "list", "--parent", first).output == "There is no such job.\n"
    assert "Planned" in ask("sync", "list", "--dry-run").output


def test_plans_of_the_list_are_asked_for_together(ask: Ask) -> None:
    stream = {"source": "items", "target": "items"}
    job_type = JobTypeFactory.create(config={"streams": [stream]})
    snapshot = {"config": {"streams": [stream]}}

    def queries_for(dry_runs: int) -> int:
        for _ in range(dry_runs):
            job = JobFactory.create(job_type=job_type, status="finished", dry_run=True, config_snapshot=snapshot)
            times = {"sealed_at": db_now(), "expires_at": db_now() + timedelta(days=7)}
            Plan.objects.create(job=job, basis=basis_of(job_type, stream), **times)
        with CaptureQueriesContext(connection) as queries:
            listed = ask("sync", "list", "--json").json["jobs"]
        assert {tuple(job["allowed_actions"]) for job in listed} == {("approve", "restart", "delete")}
        return len(queries)

    assert queries_for(1) == queries_for(4)


def test_long_values_of_a_diff_are_cut_for_show_only(ask: Ask) -> None:
    job = JobFactory.create(status="finished", operation="update", target_document_type="sap.Customer")
    text = "x" * 5000
    Change.objects.create(
        job=job, stream="sap.Customer", key="C1", key_hash=1, operation="update", fields={"note": ["", text]}
    )
    shown = ask("sync", "show", job.pk).output
    assert "… (5,000 characters)" in shown
    assert len(shown) < 1500
    assert Change.objects.get().fields["note"][1] == text


def test_the_records_of_a_stream_sync_are_not_listed_by_show(ask: Ask) -> None:
    snapshot = {"config": {"streams": [{"source": "items", "target": "items"}]}}
    job = JobFactory.create(status="finished", config_snapshot=snapshot)
    Change.objects.create(job=job, stream="items", key="C1", key_hash=1, operation="insert", fields={"a": [None, 1]})
    assert "Change:" not in ask("sync", "show", job.pk).output


@pytest.mark.parametrize("verb", ["show", "children"])
def test_a_number_that_is_none_is_bad_usage(ask: Ask, verb: str) -> None:
    said = ask("sync", verb, "seven")
    assert (said.code, said.output) == (2, "")
    assert "'seven' is not the number of a job" in said.errors


def test_the_json_of_show_is_the_public_shape(ask: Ask) -> None:
    job = JobFactory.create(status="finished", context={"é": 1})
    said = ask("sync", "show", job.pk, "--json")
    assert said.output.isascii()
    assert json.loads(said.output)["context"] == {"é": 1}
