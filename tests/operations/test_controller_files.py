"""New controllers from a template: good code that is ready to run, and every reason not to write one."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from django.apps import AppConfig, apps
from django.conf import LazySettings

from syncjobs.controllers.discovery import controller_of
from syncjobs.operations.controller_files import FileRefused, Mode, controller_file_offer, make_controller_file
from syncjobs.testing import run_sync_job
from tests.acme.models import Customer
from tests.isolation import CHECKOUT

ACME = "tests.acme.sync_controllers"


@pytest.fixture
def shop(tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an app that SYNCDECK_APPS adds."""
    (tmp_path / "shop").mkdir()
    return install("shop", tmp_path / "shop", settings, monkeypatch)


def install(label: str, folder: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Path:
    module = ModuleType(label)
    module.__path__ = [str(folder)]
    app = AppConfig(label, module)
    app.apps, app.models = apps, {}
    monkeypatch.setitem(apps.app_configs, label, app)
    settings.SYNCDECK_APPS = ("tests.acme", label)
    return folder


def load(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("mode", ["standard", "bypass"])
@pytest.mark.parametrize("name", ["Order Sync", 'Ann\'s "Sync" \\ of """ all.', "x"])
def test_new_file_is_a_controller_without_a_problem_and_clean_code(shop: Path, mode: Mode, name: str) -> None:
    path = make_controller_file(name, "shop", mode)
    assert path.parent == shop / "sync_controllers"
    assert (path.parent / "__init__.py").read_text(encoding="utf-8") == ""
    controller = controller_of(load(path), path.stem)
    assert (controller.problems, controller.warnings, controller.is_bypass) == ([], [], mode == "bypass")
    settings_file = ["--config", str(CHECKOUT / "pyproject.toml"), "--no-cache"]
    for check in (["check"], ["format", "--check"]):
        outcome = subprocess.run(
            [sys.executable, "-m", "ruff", *check, *settings_file, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stdout


@pytest.mark.django_db
@pytest.mark.parametrize("mode", ["standard", "bypass"])
def test_new_controller_runs_and_does_nothing_yet(shop: Path, mode: Mode) -> None:
    module = load(make_controller_file("Order Sync", "shop", mode))
    customer = Customer.objects.create(number="C-1", name="Ada")
    run = run_sync_job(customer, controller=module, target_document_type="acme.SAPCustomer")
    assert (run.job.status, run.changes) == ("no_target", [])


def test_file_that_is_there_is_never_overwritten(shop: Path) -> None:
    path = make_controller_file("Orders", "shop")
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileRefused, match="is there already; choose another name, or edit that file"):
        make_controller_file("Orders", "shop")
    assert path.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "label", "sentence"),
    [
        ("", "shop", "'' gives no name for a Python file; take one like SAP Customer Sync."),
        ("2nd sync", "shop", "'2nd sync' gives no name for a Python file; take one like SAP Customer Sync."),
        ("同步", "shop", "'同步' gives no name for a Python file; take one like SAP Customer Sync."),
        ("class", "shop", "'class' gives no name for a Python file; take one like SAP Customer Sync."),
        ("../../etc", "nowhere", "There is no app 'nowhere' in SYNCDECK_APPS; choose one of: acme, shop."),
        ("Orders", "auth", "There is no app 'auth' in SYNCDECK_APPS; choose one of: acme, shop."),
        ("x" * 81, "shop", f"'{'x' * 81}' is longer than 80 characters; choose a shorter name."),
        (
            "Stream Sync",
            "shop",
            "There is a controller 'stream_sync' already, in Syncdeck itself; choose another name.",
        ),
        (
            "SAP Customer Sync",
            "shop",
            f"There is a controller 'sap_customer_sync' already, in {ACME}.sap_customer_sync; choose another name.",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(shop: Path, name: str, label: str, sentence: str) -> None:
    with pytest.raises(FileRefused) as refused:
        make_controller_file(name, label)
    assert str(refused.value) == sentence
    assert list(shop.rglob("*")) == []


def test_name_never_leads_out_of_the_folder(shop: Path) -> None:
    assert make_controller_file("../../etc/Passwd", "shop") == shop / "sync_controllers" / "etcpasswd.py"


def test_folder_that_cannot_be_written_is_named(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    install("sealed", Path("/proc/sys/sealed"), settings, monkeypatch)
    with pytest.raises(FileRefused, match=r"^/proc/sys/sealed/sync_controllers/orders.py cannot be written: .+\.$"):
        make_controller_file("Orders", "sealed")


def test_without_an_app_of_one_s_own_the_setting_is_named(settings: LazySettings) -> None:
    settings.SYNCDECK_APPS = ()
    with pytest.raises(FileRefused, match=r"^There is no app 'shop': name your app in SYNCDECK_APPS first\.$"):
        make_controller_file("Orders", "shop")


def test_form_offers_a_file_with_debug_only(shop: Path, settings: LazySettings) -> None:
    assert controller_file_offer("Order Sync") is None
    settings.DEBUG = True
    offer = controller_file_offer("Order Sync")
    assert offer is not None
    assert (offer.controller, offer.app_labels) == ("order_sync", ("acme", "shop"))
    for name in ("stream_sync", "", "2nd"):
        assert controller_file_offer(name) is None
    settings.SYNCDECK_APPS = ()
    assert controller_file_offer("Order Sync") is None
