"""Connectors that are granted to others: they are not there, nor what hangs on them, whatever door is tried."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db.models import ProtectedError
from django.test import Client

from connectors.models import Connector
from syncjobs.models import Schedule, SyncJob, SyncJobType
from syncjobs.operations.grants import granted_groups, set_grants
from syncjobs.operations.visible import Viewer, seen_by, visible_jobs
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob

SEES = ("view_syncjob", "change_syncjob", "view_syncjobtype", "change_syncjobtype", "add_syncjobtype")
ALL = (*SEES, "view_connector", "change_connector", "view_schedule", "add_schedule", "change_schedule")


def person_of(name: str, *groups: Group) -> Client:
    user = User.objects.create(username=name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=ALL))
    user.groups.set(groups)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def finance(source: Connector) -> Group:
    group = Group.objects.create(name="Finance")
    set_grants(source, ["Finance"])
    return group


@pytest.fixture
def insider(finance: Group) -> Client:
    return person_of("ina", finance)


@pytest.fixture
def outsider(finance: Group) -> Client:
    return person_of("otto")


def text_of(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, address
    return response.content.decode()


def test_lists_choices_and_figures_leave_out_what_is_granted_to_others(
    insider: Client, outsider: Client, schedule: Schedule, make_job: MakeJob
) -> None:
    make_job(Status.STARTED)
    places = ("", "jobs/", "job-types/", "connectors/", "schedules/", "job-types/-/run/", "search/?q=airports")
    for place in (*places, "rejects/", "records/", "job-types/-/add/", "workers/"):
        shown = text_of(outsider, f"/admin/{place}")
        assert "Airports" not in shown, place
        assert "Open data" not in shown, place
    assert ">Airports</option>" not in text_of(outsider, "/admin/schedules/add/")
    assert ">Airports</option>" in text_of(insider, "/admin/schedules/add/")
    assert "Airports" in text_of(insider, "/admin/jobs/")
    assert "1 running" in text_of(insider, "/admin/jobs/")
    assert "1 running" not in text_of(outsider, "/admin/jobs/")
    assert ">open-data<" not in text_of(outsider, "/admin/job-types/?connector=open-data")


def test_what_hangs_on_it_is_not_there_to_look_at_or_to_act_on(
    insider: Client, outsider: Client, schedule: Schedule, make_job: MakeJob
) -> None:
    job = make_job(Status.FAILED)
    pages = (f"jobs/{job.pk}/", f"jobs/{job.pk}/log/download/", "job-types/airports/", "connectors/open-data/")
    for page in (*pages, f"schedules/{schedule.pk}/"):
        assert outsider.get(f"/admin/{page}").status_code == 404, page
        assert insider.get(f"/admin/{page}").status_code == 200, page
    assert outsider.post(f"/admin/jobs/{job.pk}/retry/").status_code == 404
    outsider.post("/admin/jobs/act/", {"action": "retry", "_selected_action": job.pk})
    job.refresh_from_db()
    assert job.status == Status.FAILED
    assert insider.post(f"/admin/jobs/{job.pk}/retry/").status_code == 302


def test_a_live_drawing_is_not_shared_with_people_of_other_grants(
    insider: Client, outsider: Client, make_job: MakeJob
) -> None:
    job = make_job(Status.STARTED, phase="reading")
    asks = {"HX-Request": "true", "HX-Target": "job-live"}
    address = f"/admin/jobs/{job.pk}/"
    assert insider.get(address, headers=asks).status_code == 200  # drawn, and shared for a second
    assert outsider.get(address, headers=asks).status_code == 404
    assert outsider.get(f"{address}log/?after={10**9}").status_code == 404


def test_a_type_cannot_be_pointed_at_a_connector_that_is_hidden(
    outsider: Client, source: Connector, target: Connector
) -> None:
    form = {"name": "Mine", "slug": "mine", "controller": "stream_sync", "queue": "default", "config": "{}"}
    form |= {"source_connector": str(source.pk), "target_connector": str(target.pk), "guards": "{}"}
    response = outsider.post("/admin/job-types/-/add/", form)
    assert response.status_code == 422
    assert "Select a valid choice" in response.content.decode()
    assert not SyncJobType.objects.filter(slug="mine").exists()


def test_who_is_not_restricted_asks_exactly_what_was_asked_before(portal: Client, job_type: SyncJobType) -> None:
    plain = str(SyncJob.objects.all().query)
    with seen_by(Viewer(lambda: User.objects.create(username="eve"))):
        assert str(visible_jobs().query) == plain
        assert SyncJob.objects.count() == visible_jobs().count()


def test_whoever_may_grant_says_so_on_the_connectors_page(portal: Client, insider: Client, source: Connector) -> None:
    place = "/admin/connectors/open-data/grants/"
    assert "Finance" in text_of(insider, "/admin/connectors/open-data/")
    assert insider.post(place, {"groups": []}).status_code == 403
    assert portal.post(place, {"groups": ["Nobody"]}).status_code == 422
    assert granted_groups(source) == ["Finance"]
    assert portal.post(place, {"groups": []}).status_code == 302
    assert granted_groups(Connector.objects.get(pk=source.pk)) == []
    assert "Everybody who may see connectors" in text_of(insider, "/admin/connectors/open-data/")


def test_a_group_that_holds_a_grant_cannot_be_deleted(finance: Group) -> None:
    with pytest.raises(ProtectedError):
        finance.delete()
