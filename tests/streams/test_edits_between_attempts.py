"""What a job meets that goes on after its type, its connectors or their credentials were changed."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db.models import ProtectedError

from connectors.models import Connector
from syncjobs.models import JobBatch, SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import run_job_type, save_job_type
from syncjobs.operations.jobs import pause_job, restart_job, resume_job, retry_job
from syncjobs.operations.state_checks import find_breaches
from syncjobs.statuses import Trigger
from tests.streams.conftest import counts, run, run_here
from tests.streams.people import People, SQLAtTarget, people_at

STOP: dict[str, Any] = {"on_reject": {"policy": "stop"}, "batch_size": 5}


def stopped_midway(people: People, **stream: Any) -> tuple[SyncJobType, SyncJob]:
    """A type and its job of 20 people, which has written ten; the record that stopped it is mended."""
    people.add(*range(1, 21))
    people.add(12, age="unknown")
    job_type = people.job_type(**STOP | stream)
    job = run(job_type)
    assert (job.status, job.counts["read"]) == ("error", 10), job.failure
    people.add(12)
    return job_type, job


def make_password() -> str:
    return secrets.token_hex(12)


@dataclass(frozen=True)
class Role:
    """A login of the target's server that may make tables."""

    name: str
    password: str


@pytest.fixture
def role(target: str, sql_at_target: SQLAtTarget) -> Iterator[Role]:
    made = Role(f"writer_{secrets.token_hex(4)}", make_password())
    sql_at_target(f"CREATE ROLE {made.name} LOGIN PASSWORD '{made.password}'")
    sql_at_target(f"GRANT ALL ON SCHEMA public TO {made.name}")
    yield made
    sql_at_target(f"DROP OWNED BY {made.name}; DROP ROLE {made.name}")


def save_credentials(connector: Connector, password: str) -> None:
    connector.credentials = {"password": password}
    save_connector(connector)


def edit(job_type: SyncJobType) -> None:
    """Have later jobs write the notes in capitals, to another table."""
    job_type.config = deepcopy(job_type.config)  # which the job's snapshot and other tests share
    stream = job_type.config["streams"][0]
    stream["target"] = "others"
    stream["mapping"][-1]["transforms"] = [{"op": "upper"}]
    save_job_type(job_type, actor="ann")


def assert_all_written_by_the_old_config(job: SyncJob, target: str) -> None:
    assert (job.status, counts(job)) == ("finished", {"read": 20, "inserted": 20}), job.failure
    connector = Connector.objects.get(slug=target)
    assert {one: row["note"] for one, row in people_at(connector).items()} == {n: f"Person {n}" for n in range(1, 21)}
    opened = connector.open()
    assert "others" not in [stream.name for stream in opened.streams()]
    opened.close()


def test_queued_job_uses_the_config_it_was_made_with(people: People, target: str) -> None:
    people.add(*range(1, 21))
    job_type = people.job_type()
    queued = run_job_type(job_type, trigger=Trigger.CLI, actor="test")
    edit(job_type)
    assert_all_written_by_the_old_config(run_here(queued), target)
    assert run(job_type).target_document_type == "target/others", "the next job goes by the new one"


def test_paused_job_goes_on_by_the_config_it_was_made_with(people: People, target: str) -> None:
    job_type, job = stopped_midway(people)
    retry_job(job.pk, actor="ann")
    pause_job(job.pk, actor="ann")
    edit(job_type)
    assert_all_written_by_the_old_config(run_here(resume_job(job.pk, actor="ann")), target)


def tables_of(connector: Connector) -> list[str]:
    opened = connector.open()
    try:
        return [stream.name for stream in opened.streams()]
    finally:
        opened.close()


@pytest.fixture
def elsewhere(target: str, sql_at_target: SQLAtTarget, settings: LazySettings) -> Iterator[dict[str, Any]]:
    """Settings that lead the target's connector to another, empty place."""
    if Connector.objects.get(slug=target).kind == "postgres":
        sql_at_target("CREATE SCHEMA elsewhere")
        yield {"schema": "elsewhere"}
    else:
        yield {"path": "elsewhere.sqlite3"}
        for path in Path(settings.SYNCDECK_DATA_DIR).glob("elsewhere.sqlite3*"):
            path.unlink()


@pytest.mark.parametrize("mode", ["upsert", "mirror", "replace"])
def test_target_that_now_points_elsewhere_is_refused_untouched_and_the_way_out_works(
    people: People, target: str, elsewhere: dict[str, Any], mode: str
) -> None:
    _, job = stopped_midway(people, mode=mode)
    connector = Connector.objects.get(slug=target)
    old = dict(connector.config)
    connector.config = old | elsewhere
    save_connector(connector)
    job = run_here(retry_job(job.pk, actor="ann"))
    assert job.failure is not None
    assert (job.status, job.failure["class"], job.failure["code"]) == ("failed", "config", "other_target")
    assert "which has written 2 batches: the connector 'target' now points elsewhere" in job.failure["message"]
    assert tables_of(connector) == []
    connector.config = old
    save_connector(connector)
    job = run_here(retry_job(job.pk, actor="ann"))
    assert (job.status, counts(job)) == ("finished", {"read": 20, "inserted": 20}), job.failure
    assert len(people_at(connector)) == 20
    assert list(find_breaches()) == []


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_restart_writes_everything_to_where_the_connector_now_points(
    people: People, target: str, elsewhere: dict[str, Any]
) -> None:
    _, job = stopped_midway(people)
    connector = Connector.objects.get(slug=target)
    connector.config |= elsewhere
    save_connector(connector)
    again = run_here(restart_job(job.pk, actor="ann"))
    assert (again.status, counts(again)) == ("finished", {"read": 20, "inserted": 20}), again.failure
    assert len(people_at(connector)) == 20


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_files_that_are_now_written_to_another_folder_are_refused_too(
    request: pytest.FixtureRequest, people: People, settings: LazySettings
) -> None:
    for name in ("one", "two"):
        folder = Path(settings.SYNCDECK_DATA_DIR) / name
        folder.mkdir()
        request.addfinalizer(partial(shutil.rmtree, folder))
    config = {"root": "one", "format": "csv"}
    connector = save_connector(connector_from_shape({"slug": "files", "kind": "files", "config": config}))
    people.target = connector.slug
    _, job = stopped_midway(people)
    connector.config = config | {"root": "two"}
    save_connector(connector)
    job = run_here(retry_job(job.pk, actor="ann"))
    assert job.failure is not None
    assert (job.status, job.failure["code"]) == ("failed", "other_target")
    assert tables_of(connector) == []
    connector.config = config
    save_connector(connector)
    job = run_here(retry_job(job.pk, actor="ann"))
    assert (job.status, counts(job)) == ("finished", {"read": 20, "inserted": 20}), job.failure


@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
def test_password_that_is_changed_while_a_job_is_paused_is_missed_and_a_retry_with_the_new_one_goes_on(
    people: People, target: str, sql_at_target: SQLAtTarget, role: Role
) -> None:
    connector = Connector.objects.get(slug=target)
    connector.config |= {"user": role.name}
    save_credentials(connector, role.password)
    _, job = stopped_midway(people)
    retry_job(job.pk, actor="ann")
    pause_job(job.pk, actor="ann")
    renewed = make_password()
    sql_at_target(f"ALTER ROLE {role.name} PASSWORD '{renewed}'")
    job = run_here(resume_job(job.pk, actor="ann"))
    assert job.failure is not None
    assert (job.status, job.failure["class"], job.failure["code"]) == ("failed", "config", "credentials_refused")
    assert (job.checkpoint["batch_no"], job.retry_after) == (2, None)
    save_credentials(connector, renewed)
    job = run_here(retry_job(job.pk, actor="ann"))
    assert (job.status, counts(job)) == ("finished", {"read": 20, "inserted": 20}), job.failure
    assert len(people_at(connector)) == 20
    assert JobBatch.objects.filter(job=job).count() == 4, "those of before were not written again"
    assert list(find_breaches()) == []


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
@pytest.mark.parametrize("slug", ["source", "target"])
def test_connector_that_a_type_uses_is_not_deleted_and_its_job_goes_on(people: People, slug: str) -> None:
    _, job = stopped_midway(people)
    connector = Connector.objects.get(slug=slug)
    for delete in (connector.delete, Connector.objects.filter(slug=slug).delete):
        with pytest.raises(ProtectedError, match="referenced through protected foreign keys"):
            delete()
    job = run_here(retry_job(job.pk, actor="ann"))
    assert (job.status, counts(job)) == ("finished", {"read": 20, "inserted": 20}), job.failure
