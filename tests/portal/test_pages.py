"""Every page: it renders, escapes, keeps secrets, changes nothing by being looked at, and asks for permission."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core import serializers
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from connectors.models import Connector
from syncjobs.models import AuditEvent, Schedule, SyncJob, SyncJobType
from syncjobs.operations.auditing import record
from syncjobs.operations.connectors import test_connector as run_connection_test
from syncjobs.portal.sites import portal_site
from syncjobs.statuses import Status
from tests.portal.conftest import ATTACK, SECRET, MakeJob, MakeStaff

Addresses = dict[str, str]
BY_CONNECTOR = (
    *("connector_page", "connector_edit", "connector_sync", "connector_streams", "connector_stream"),
    "connector_delete",
)
POSTING = ("job_retry", "connector_test", "schedule_switch")


@pytest.fixture
def addresses(attacked_job: SyncJob, schedule: Schedule, source: Connector, admin: User) -> Addresses:
    """Every page that answers GET, over rows full of markup, by name."""
    run_connection_test(source)
    by_job = (
        *("job_page", "job_children", "job_changes", "job_log", "job_log_download", "job_attempts", "job_config"),
        *("job_cancel", "job_restart", "job_discard", "job_delete", "job_cancel_children"),
    )
    by_type = (
        *("job_type_page", "job_type_edit", "job_type_run", "job_type_pause", "job_type_backfill", "job_type_restart"),
        *("job_type_versions", "job_type_accept_schema", "job_type_delete"),
    )
    by_schedule = ("schedule_page", "schedule_edit", "schedule_delete")
    plain = [
        *("index", "job_list", "job_type_list", "job_type_add", "job_type_choose", "connector_list", "connector_add"),
        *(
            "schedule_list",
            "schedule_add",
            "schedule_calendar",
            "worker_list",
            "password_change",
            "auth_user_changelist",
            "auth_group_changelist",
        ),
    ]
    found = {name: reverse(f"admin:{name}") for name in plain}
    found |= {name: reverse(f"admin:{name}", args=[attacked_job.pk]) for name in by_job}
    found |= {name: reverse(f"admin:{name}", args=["airports"]) for name in by_type}
    found |= {name: reverse(f"admin:{name}", args=["open-data"]) for name in BY_CONNECTOR}
    found |= {name: reverse(f"admin:{name}", args=[schedule.pk]) for name in by_schedule}
    found |= {"new_soda": reverse("admin:connector_add") + "?kind=soda", "search": "/admin/jobs/?q=" + ATTACK}
    record("job.cancel", attacked_job, after={"title": attacked_job.title}, actor=ATTACK)
    found |= {"audit": reverse("admin:audit_list")}
    found |= {"audit_entry": reverse("admin:audit_entry", args=[AuditEvent.objects.latest("id").pk])}
    found |= {"one_user": reverse("admin:auth_user_change", args=[admin.pk])}
    found |= {"job_change": reverse("admin:job_change", args=[attacked_job.pk, attacked_job.changes.get().pk])}
    found |= {"old_version": reverse("admin:job_type_version_use", args=["airports", 1])}
    return found


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, f"{address} answers {response.status_code}"
    text: str = response.getvalue().decode()
    return text


def test_every_page_renders_with_markup_in_its_data_escaped(portal: Client, addresses: Addresses) -> None:
    for name, address in addresses.items():
        text = read(portal, address)
        assert name == "job_log_download" or ATTACK not in text, f"{name} lets markup through"
        assert name == "job_log_download" or " style=" not in text, f"{name} has an inline style"
        assert "onclick" not in text


def test_no_page_shows_a_secret(portal: Client, addresses: Addresses) -> None:
    for name, address in addresses.items():
        assert SECRET not in read(portal, address), f"{name} shows a secret"


def test_every_script_comes_from_a_file(portal: Client, addresses: Addresses) -> None:
    for name, address in addresses.items():
        text = read(portal, address)
        inline = [part for part in text.split("<script")[1:] if "src=" not in part.split(">")[0]]
        inline = [part for part in inline if 'type="application/json"' not in part.split(">")[0]]
        assert name == "job_log_download" or not inline, f"{name} has an inline script"


def test_looking_at_every_page_changes_nothing(portal: Client, addresses: Addresses) -> None:
    def everything() -> str:
        kept = [model for model in apps.get_models() if model._meta.label != "sessions.Session"]
        text: str = serializers.serialize("json", [row for model in kept for row in model._default_manager.all()])
        return text

    before = everything()
    for address in addresses.values():
        read(portal, address)
    assert everything() == before


def test_every_page_sends_a_stranger_to_the_login(client: Client, addresses: Addresses) -> None:
    for address in addresses.values():
        response = client.get(address)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/admin/login/?next=")


def test_no_page_opens_for_staff_without_permission(make_staff: MakeStaff, addresses: Addresses) -> None:
    nobody = make_staff()
    for name, address in addresses.items():
        expected = 200 if name in ("index", "password_change") else 403
        assert nobody.get(address).status_code == expected, name
    assert "Airports" not in read(nobody, "/admin/")


def test_a_viewer_sees_pages_without_buttons_that_change(make_staff: MakeStaff, addresses: Addresses) -> None:
    viewer = make_staff("view_syncjob", "view_syncjobtype", "view_connector", "view_schedule")
    for name in ("job_page", "job_list", "job_type_page", "job_type_choose", "connector_page", "schedule_page"):
        text = read(viewer, addresses[name])
        content = text.partition('<main id="content-start"')[2]
        assert 'method="post"' not in content, f"{name} offers a viewer a change"
        assert "Cancel…" not in content
    changing = ("job_cancel", "job_delete", "job_type_edit", "job_type_run", "job_type_pause", "connector_edit")
    for name in (*changing, "schedule_edit", "schedule_delete", "job_type_delete", "connector_delete"):
        assert viewer.get(addresses[name]).status_code == 403, name


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("job_cancel", 1),
        ("job_retry", 1),
        ("job_type_run", "airports"),
        ("job_type_edit", "airports"),
        ("job_type_pause", "airports"),
        ("job_type_resume", "airports"),
        ("job_type_restart", "airports"),
        ("job_type_switch", "airports"),
        ("job_type_delete", "airports"),
        ("connector_test", "open-data"),
        ("connector_edit", "open-data"),
        ("connector_delete", "open-data"),
        ("schedule_switch", 1),
        ("schedule_edit", 1),
        ("schedule_delete", 1),
    ],
)
def test_a_viewer_cannot_post(make_staff: MakeStaff, name: str, argument: str | int) -> None:
    viewer = make_staff("view_syncjob", "view_syncjobtype", "view_connector", "view_schedule")
    assert viewer.post(reverse(f"admin:{name}", args=[argument])).status_code == 403


@pytest.mark.parametrize(
    ("name", "argument"),
    [("job_retry", 1), ("job_type_resume", "x"), ("connector_test", "x"), ("schedule_switch", 1)],
)
def test_an_action_answers_no_get(portal: Client, name: str, argument: str | int) -> None:
    assert portal.get(reverse(f"admin:{name}", args=[argument])).status_code == 405


def test_a_post_without_its_token_is_refused(admin: User, job_type: SyncJobType) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin)
    response = strict.post(reverse("admin:job_type_run", args=["airports"]))
    assert response.status_code == 403
    assert "form has expired" in response.content.decode()
    assert not SyncJob.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "/admin/jobs/999999/",
        "/admin/jobs/99999999999999999999999/",
        "/admin/job-types/none/",
        "/admin/connectors/none/",
        "/admin/schedules/999999999999999999999/",
        "/admin/nothing/",
    ],
)
def test_what_does_not_exist_is_a_styled_404(portal: Client, address: str) -> None:
    response = portal.get(address)
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


def test_the_login_page_is_styled_and_lists_no_account(client: Client, admin: User) -> None:
    text = client.get("/admin/login/").content.decode()
    assert "portal/portal" in text
    assert admin.username not in text
    assert "a-good-password" not in text


def test_a_fragment_after_the_session_ended_sends_the_browser_to_the_login(client: Client) -> None:
    response = client.get("/admin/login/?next=/admin/jobs/", headers={"HX-Request": "true"})
    assert response.headers["HX-Redirect"] == "/admin/login/?next=%2Fadmin%2Fjobs%2F"
    assert b"password" not in response.content


def test_beat_rows_have_no_stock_pages() -> None:
    registered = {model._meta.label for model in portal_site._registry}
    assert not [label for label in registered if label.startswith("django_celery_beat")]


@pytest.mark.parametrize("status", list(Status))
def test_a_job_of_every_status_shows_its_pill_and_next_step(portal: Client, make_job: MakeJob, status: Status) -> None:
    text = read(portal, reverse("admin:job_page", args=[make_job(status).pk]))
    assert f'<span class="pill {status.value}">{status.label}</span>' in text
    assert status.next_step.split(";")[0].split(",")[0].replace("'", "&#x27;") in text


@pytest.fixture
def crowded(make_job: MakeJob, schedule: Schedule, source: Connector) -> None:
    """Enough rows that a query for each of them would be seen."""
    parent = make_job(Status.RELAYED)
    for number in range(60):
        failure = {"class": "data", "code": "x", "message": "y", "hint": "", "retryable": False}
        make_job(list(Status)[number % 12], failure=failure, schedule=schedule, due_at=None)
        make_job(Status.FINISHED, parent=parent, position=number)


LISTS: dict[str, Callable[[], str]] = {
    "dashboard": lambda: "/admin/",
    "jobs": lambda: "/admin/jobs/",
    "job types": lambda: "/admin/job-types/",
    "versions": lambda: "/admin/job-types/airports/versions/",
    "one type": lambda: "/admin/job-types/airports/",
    "choice": lambda: "/admin/job-types/-/run/",
    "connectors": lambda: "/admin/connectors/",
    "one connector": lambda: "/admin/connectors/open-data/",
    "schedules": lambda: "/admin/schedules/",
    "one schedule": lambda: f"/admin/schedules/{Schedule.objects.get().pk}/",
    "relay": lambda: f"/admin/jobs/{SyncJob.objects.filter(status='relayed', parent=None).earliest('id').pk}/",
    "children": lambda: f"/admin/jobs/{SyncJob.objects.earliest('id').pk}/children/",
    "log": lambda: f"/admin/jobs/{SyncJob.objects.earliest('id').pk}/log/",
    "changes": lambda: f"/admin/jobs/{SyncJob.objects.earliest('id').pk}/changes/",
}


@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_page_takes_few_queries_however_many_rows(
    portal: Client, crowded: None, name: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    address = LISTS[name]()
    with django_assert_max_num_queries(25):
        read(portal, address)
