"""Types of document syncs in the portal: form, runs, pause and resume, and with DEBUG a new controller's file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from connectors.models import Connector
from syncjobs.controllers.code import CodeController
from syncjobs.controllers.registry import standing_in
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.portal.forms.job_type_forms import JobTypeForm
from tests.acme.sync_job_types import make_sync_job_types
from tests.portal.conftest import MakeStaff

PAGE, NEW_CONTROLLER = "/admin/job-types/sap-customer-sync/", "/admin/job-types/-/new-controller/"


@pytest.fixture
def document_type(db: None) -> SyncJobType:
    make_sync_job_types()
    return SyncJobType.objects.get(slug="sap-customer-sync")


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def typed(job_type: SyncJobType, **changes: Any) -> dict[str, Any]:
    """What a browser posts for the form as it is drawn, with changes; None leaves a box unticked."""
    form = JobTypeForm(instance=job_type)
    values = {name: form[name].value() for name in form.fields}
    values |= {"config": json.dumps(job_type.config), "guards": json.dumps(job_type.guards)}
    return {name: value for name, value in (values | changes).items() if value not in (None, False)}


# 1. The form


def test_a_type_of_documents_is_made_without_connectors(portal: Client, db: None) -> None:
    values = {"name": "Copy", "slug": "copy", "controller": "sap_customer_sync", "queue": "default", "overlap": "queue"}
    values |= {"source_document_type": "acme.Customer", "target_document_type": "acme.SAPCustomer"}
    values |= {"timeout": "0", "retry_delay": "0", "max_retries": "0", "changes_kept": "0", "update_enabled": "on"}
    response = portal.post("/admin/job-types/-/add/", values | {"keep_tombstones": "on", "enabled": "on"})
    assert response.status_code == 302, response.content.decode()
    made = SyncJobType.objects.get(slug="copy")
    assert (made.timeout, made.retry_delay, made.max_retries, made.changes_kept) == (0, 0, 0, 0)
    assert (made.insert_enabled, made.update_enabled, made.delete_enabled) == (False, True, False)
    assert (made.keep_tombstones, made.update_without_changes_enabled, made.verbose_logging) == (True, False, False)
    assert (made.source_connector, made.config) == (None, {})


FLAGS = ("enabled", "keep_tombstones", "insert_enabled", "update_enabled", "delete_enabled", "verbose_logging")


@pytest.mark.parametrize("flag", [*FLAGS, "update_without_changes_enabled"])
def test_every_flag_can_be_set_and_taken_back(portal: Client, document_type: SyncJobType, flag: str) -> None:
    for ticked in ("on", None):
        document_type.refresh_from_db()
        portal.post(PAGE + "edit/", typed(document_type, **{flag: ticked}))
        document_type.refresh_from_db()
        assert getattr(document_type, flag) == (ticked == "on")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"source_document_type": "acme.Nobody"}, "acme.Nobody"),
        ({"target_document_type": "nowhere/things"}, "There is no connector &#x27;nowhere&#x27;."),
        ({"controller": "newsletter_contact"}, "base_url"),
        ({"controller": "newsletter_contact", "config": '{"base_url": 7}'}, "config.base_url"),
        ({"controller": "stream_sync"}, "A stream sync needs this connector."),
        ({"config": '{"masked_fields": "iban"}'}, "must be a list of field names"),
    ],
)
def test_what_the_controller_cannot_take_is_said_and_what_was_typed_is_kept(
    portal: Client, document_type: SyncJobType, changes: dict[str, str], complaint: str
) -> None:
    response = portal.post(PAGE + "edit/", typed(document_type, **changes))
    assert response.status_code == 422
    text = response.content.decode()
    assert complaint in text
    for value in changes.values():
        assert value.replace('"', "&quot;") in text
    document_type.refresh_from_db()
    assert document_type.version == 1


def test_installed_models_and_connectors_are_suggested(
    portal: Client, document_type: SyncJobType, target: Connector
) -> None:
    suggested = read(portal, PAGE + "edit/").partition('<datalist id="document-types">')[2].partition("</datalist>")[0]
    assert '<option value="acme.SAPCustomer">' in suggested
    assert '<option value="store/">' in suggested
    assert "sessions" not in suggested


def test_a_controllers_settings_are_listed(portal: Client, document_type: SyncJobType) -> None:
    text = read(portal, PAGE + "edit/")
    assert '<option value="newsletter_contact">newsletter_contact (tests.acme)</option>' in text
    assert "base_url (string, required)" in text


@pytest.fixture
def broken() -> Iterator[None]:
    """An installed controller that cannot be used."""
    with standing_in(CodeController("half_done", "shop.sync_controllers.half_done", None, ("It needs execute.",))):
        yield


def test_a_broken_controller_is_listed_with_its_fault_and_cannot_be_chosen(
    portal: Client, document_type: SyncJobType, broken: None
) -> None:
    text = read(portal, PAGE + "edit/")
    assert '<option value="half_done" disabled>half_done (shop): cannot be used</option>' in text
    assert "It needs execute." in text
    response = portal.post(PAGE + "edit/", typed(document_type, controller="half_done"))
    assert response.status_code == 422
    assert '<span class="problem" id="id_controller_error">It needs execute.</span>' in response.content.decode()


def test_the_page_of_a_type_says_when_its_controller_cannot_be_used(
    portal: Client, document_type: SyncJobType, broken: None
) -> None:
    assert "cannot be used" not in read(portal, PAGE)
    SyncJobType.objects.update(controller="half_done")
    text = read(portal, PAGE)
    assert "The controller half_done cannot be used" in text
    assert "It needs execute." in text


def test_lists_show_types_without_connectors(portal: Client, document_type: SyncJobType) -> None:
    assert "acme.Customer → acme.SAPCustomer" in read(portal, "/admin/job-types/")
    assert f'href="{PAGE}run/"' in read(portal, "/admin/job-types/-/run/")


# 2. Running


def test_a_run_is_about_one_document_with_its_context(portal: Client, document_type: SyncJobType, admin: User) -> None:
    asked = {"source_document_name": "7", "context": '{"why": "asked by phone"}', "dry_run": "on"}
    response = portal.post(PAGE + "run/", asked, follow=True)
    job = SyncJob.objects.get()
    assert f"Job #{job.pk} is queued, as a dry run." in response.content.decode()
    assert (job.source_document_type, job.source_document_name) == ("acme.Customer", "7")
    assert (job.context, job.dry_run, job.operation) == ({"why": "asked by phone"}, True, "")
    assert (job.trigger_type, job.triggered_by) == ("manual", admin)


def test_a_run_may_bring_its_target_along(portal: Client, document_type: SyncJobType) -> None:
    portal.post(PAGE + "run/", {"operation": "update", "target_document_name": "12", "force": "on"})
    job = SyncJob.objects.get()
    assert (job.operation, job.target_document_type, job.target_document_name) == ("update", "acme.SAPCustomer", "12")
    assert job.config_snapshot["force"] is True


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"context": "[1]"}, "This must be an object"),
        ({"context": '{"a": '}, "Not valid JSON"),
        ({"operation": "update"}, "its name is needed"),
        ({"operation": "explode"}, "explode is not one of the available choices"),
        ({"target_document_name": "x" * 256}, "at most 255 characters"),
    ],
)
def test_a_run_that_cannot_be_says_why_and_keeps_what_was_typed(
    portal: Client, document_type: SyncJobType, asked: dict[str, str], complaint: str
) -> None:
    response = portal.post(PAGE + "run/", {"source_document_name": "C-77", "dry_run": "on"} | asked)
    text = response.content.decode()
    assert response.status_code == 422
    assert complaint in text
    assert 'value="C-77"' in text
    assert re.search(r'name="dry_run"[^>]* checked', text)
    assert ('<details class="fold" open>' in text) == ("context" not in asked)
    assert not SyncJob.objects.exists()


def test_a_type_without_a_source_type_asks_for_it(portal: Client, document_type: SyncJobType) -> None:
    assert 'name="source_document_type"' not in read(portal, PAGE + "run/")
    SyncJobType.objects.update(source_document_type="")
    portal.post(PAGE + "run/", {"source_document_type": "acme.Bundle", "source_document_name": "3"})
    assert SyncJob.objects.get().source_document_type == "acme.Bundle"


# 3. Pausing and resuming


def test_a_type_is_paused_with_its_jobs_and_resumed_with_them(portal: Client, document_type: SyncJobType) -> None:
    portal.post(PAGE + "run/", {"source_document_name": "7"})
    assert "Its active job pauses and keeps its position" in read(portal, PAGE + "pause/")
    text = portal.post(PAGE + "pause/", follow=True).content.decode()
    assert "SAP Customer Sync is paused." in text
    assert "by anna. It starts nothing until it is resumed." in text
    assert SyncJob.objects.get().status == "paused"
    assert "is paused; resume it first." in portal.post(PAGE + "run/").content.decode()
    text = portal.post(PAGE + "resume/", follow=True).content.decode()
    assert "SAP Customer Sync is resumed." in text
    assert 'id="pause-type"' in text
    assert SyncJob.objects.get().status == "queued"


def test_a_pause_may_end_by_itself(portal: Client, document_type: SyncJobType) -> None:
    response = portal.post(PAGE + "pause/", {"resume_at": "2020-01-01T00:00"})
    assert response.status_code == 422
    assert "This time has passed." in response.content.decode()
    tomorrow = timezone.localtime() + timedelta(days=1)
    text = portal.post(PAGE + "pause/", {"resume_at": f"{tomorrow:%Y-%m-%dT%H:%M}"}, follow=True).content.decode()
    assert "by itself" in text
    document_type.refresh_from_db()
    assert document_type.resume_at == tomorrow.replace(second=0, microsecond=0)


def test_pausing_twice_and_resuming_what_runs_is_explained(portal: Client, document_type: SyncJobType) -> None:
    assert "is not paused" in portal.post(PAGE + "resume/", follow=True).content.decode()
    portal.post(PAGE + "pause/")
    assert "It is paused already" in read(portal, PAGE + "pause/")
    assert "is paused already" in portal.post(PAGE + "pause/", follow=True).content.decode()


def test_only_who_may_change_types_pauses_them(make_staff: MakeStaff, document_type: SyncJobType) -> None:
    viewer = make_staff("view_syncjobtype", "view_syncjob", "change_syncjob")
    assert "pause-type" not in read(viewer, PAGE)
    for verb in ("pause", "resume"):
        assert viewer.post(f"{PAGE}{verb}/").status_code == 403
    assert make_staff("change_syncjobtype").post(PAGE + "pause/").status_code == 302


# 4. A new controller's file


@pytest.fixture
def shop(tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an app that SYNCDECK_APPS adds."""
    folder, module = tmp_path / "shop", ModuleType("shop")
    folder.mkdir()
    module.__path__ = [str(folder)]
    app = AppConfig("shop", module)
    app.apps, app.models = apps, {}
    monkeypatch.setitem(apps.app_configs, "shop", app)
    settings.SYNCDECK_APPS = ["shop"]
    return folder


@pytest.fixture
def missing(document_type: SyncJobType) -> None:
    """The type's controller is not there."""
    SyncJobType.objects.filter(pk=document_type.pk).update(controller="price_list")


def test_with_debug_a_type_without_its_controller_offers_to_make_it(
    portal: Client, missing: None, shop: Path, settings: LazySettings
) -> None:
    settings.DEBUG = True
    offer = read(portal, PAGE).partition("Create the controller file")[2].partition("</form>")[0]
    assert 'value="price_list"' in offer
    assert '<option value="shop">' in offer
    asked = {"name": "price_list", "app": "shop", "mode": "bypass", "next": PAGE}
    response = portal.post(NEW_CONTROLLER, asked, follow=True)
    path = shop / "sync_controllers" / "price_list.py"
    assert "def execute(" in path.read_text(encoding="utf-8")
    text = response.content.decode()
    assert f"{path} is written." in text
    assert "restart web and workers" in text
    assert response.redirect_chain == [(PAGE, 302)]


def test_the_form_of_a_type_leads_to_it_too(portal: Client, missing: None, shop: Path, settings: LazySettings) -> None:
    assert NEW_CONTROLLER not in read(portal, PAGE + "edit/")
    settings.DEBUG = True
    assert NEW_CONTROLLER in read(portal, PAGE + "edit/")
    assert '<option value="standard">' not in read(portal, NEW_CONTROLLER)
    assert 'value="standard"' in read(portal, NEW_CONTROLLER)


def test_without_debug_there_is_no_offer_and_no_such_page(portal: Client, missing: None, shop: Path) -> None:
    assert "Create the controller file" not in read(portal, PAGE)
    assert "The controller price_list cannot be used" in read(portal, PAGE)
    assert portal.get(NEW_CONTROLLER).status_code == 404
    asked = {"name": "price_list", "app": "shop", "mode": "standard"}
    assert portal.post(NEW_CONTROLLER, asked).status_code == 404
    assert not (shop / "sync_controllers").exists()


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"name": "sap_customer_sync"}, "There is a controller &#x27;sap_customer_sync&#x27; already"),
        ({"name": "???"}, "gives no name for a Python file"),
        ({"name": "../../etc/passwd", "app": "../.."}, "is not one of the available choices"),
        ({"app": "auth"}, "auth is not one of the available choices"),
        ({"mode": "other"}, "other is not one of the available choices"),
    ],
)
def test_a_file_that_cannot_be_made_is_explained(
    portal: Client, missing: None, shop: Path, settings: LazySettings, asked: dict[str, str], complaint: str
) -> None:
    settings.DEBUG = True
    response = portal.post(NEW_CONTROLLER, {"name": "price_list", "app": "shop", "mode": "standard"} | asked)
    assert response.status_code == 422
    assert complaint in response.content.decode()
    assert not (shop / "sync_controllers").exists()


def test_making_one_needs_the_right_to_change_types(make_staff: MakeStaff, settings: LazySettings) -> None:
    settings.DEBUG = True
    assert make_staff("view_syncjobtype", "change_syncjob").post(NEW_CONTROLLER, {}).status_code == 403
