"""Which files become controllers, and what is said of those that cannot."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent

import pytest
from django.apps import AppConfig, apps
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from syncjobs.controllers import discovery, registry
from syncjobs.controllers.code import CodeController
from syncjobs.controllers.discovery import discover_controllers
from syncjobs.controllers.registry import get_controller
from syncjobs.models import SyncJobType
from syncjobs.testing import run_sync_job

HOOKS = """
def get_target_document(sync_job, source_doc):
    return None
def update_target_doc(sync_job, source_doc, target_doc):
    pass
"""
CLASS = "class Sync:" + indent(HOOKS, "    ").replace("(sync_job", "(self, sync_job")
Install = Callable[..., list[CodeController]]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs apps with these controller files ({"app/name": text}), and returns what was found, by name."""
    monkeypatch.setattr(registry, "_controllers", dict(registry._controllers))
    monkeypatch.setattr(discovery, "_left_out", [])
    monkeypatch.syspath_prepend(str(tmp_path))
    before, known = set(sys.modules), set(registry.controller_names())

    def run(files: dict[str, str]) -> list[CodeController]:
        for label in dict.fromkeys(path.partition("/")[0] for path in files):
            folder = tmp_path / label / "sync_controllers"
            folder.mkdir(parents=True)
            for package in (folder.parent, folder):
                (package / "__init__.py").touch()
        for path, text in files.items():
            label, name = path.split("/")
            (tmp_path / label / "sync_controllers" / f"{name}.py").write_text(text, encoding="utf-8")
        for label in dict.fromkeys(path.partition("/")[0] for path in files):
            app = AppConfig.create(label)
            app.apps, app.models = apps, {}  # as the registry's own loading does
            monkeypatch.setitem(apps.app_configs, label, app)
        discover_controllers()
        names = [name for name in registry.controller_names() if name not in known]
        return [found for name in names if isinstance(found := get_controller(name), CodeController)]

    yield run
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[name]


def said_by_check(capsys: pytest.CaptureFixture[str]) -> str:
    """What `manage.py check` says."""
    capsys.readouterr()
    try:
        call_command("check")
    except SystemCheckError as error:
        return str(error)
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_module_and_class_are_found_by_the_name_of_their_file(install: Install) -> None:
    found = install({"shop_a/by_module": HOOKS, "shop_a/by_class": CLASS, "shop_a/_helper": "x = 1"})
    assert [(each.name, each.problems, each.warnings) for each in found] == [
        ("by_class", [], []),
        ("by_module", [], []),
    ]


@pytest.mark.django_db
def test_class_is_made_anew_for_each_attempt(install: Install) -> None:
    counting = CLASS.replace("return None", "self.n = getattr(self, 'n', 0) + 1; assert self.n == 1")
    install({"shop_b/counting": counting})
    assert run_sync_job(controller="counting", fail_attempt=1).job.status == "no_target"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "shop_c.sync_controllers.broken has no hook."),
        (CLASS + "\n" + CLASS.replace("Sync", "Other"), "has 2 classes with hooks; keep one."),
        ("import nothing_of_that_name", "It cannot be imported: ModuleNotFoundError: No module named"),
        ("def f(:", "It cannot be imported: SyntaxError"),
        ("raise SystemError('on purpose')", "It cannot be imported: SystemError: on purpose (line 1 of broken.py)"),
        (CLASS.replace("class Sync:", "class Sync:\n    def __init__(self, x): pass"), "It cannot be made: TypeError"),
        (
            "def get_target_document(sync_job, source_doc): ...",
            "It needs execute, or update_target_doc with a hook that names the target.",
        ),
        (
            "def update_target_doc(sync_job, source_doc, target_doc): ...",
            "Beside update_target_doc it needs get_target_document or get_multiple_target_documents.",
        ),
        ("def execute(sync_job): ...", "execute must take (sync_job, source_doc)."),
        (
            "async def execute(sync_job, source_doc): ...",
            "execute must be a plain function, neither async nor a generator",
        ),
        (
            "def execute(sync_job, source_doc): yield 1",
            "execute must be a plain function, neither async nor a generator",
        ),
        (HOOKS + "before_sync = 7", "before_sync must be a function, not int."),
        (HOOKS + "config_schema = 7", "config_schema must be a JSON Schema as a dict."),
        (HOOKS + "masked_fields = 'email'", "masked_fields must be a tuple of field names."),
    ],
)
@pytest.mark.django_db
def test_file_that_cannot_be_used_says_why_in_check_form_and_run(
    install: Install, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    (controller,) = install({"shop_c/broken": text})
    assert problem in " ".join(controller.problems)
    said = said_by_check(capsys)
    assert problem in said
    assert "shop_c.sync_controllers.broken" in said
    job_type = SyncJobType(slug="broken", controller="broken")
    assert problem in " ".join(controller.type_problems(job_type)["controller"])
    job_type.save()
    job = run_sync_job(sync_job_type=job_type).job
    assert job.failure is not None
    assert (job.status, job.attempt, job.failure["code"]) == ("failed", 1, "controller_broken")
    assert problem in job.failure["message"]


def test_of_two_apps_with_the_same_name_neither_is_used(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    (controller,) = install({"shop_d/twin": HOOKS, "shop_e/twin": HOOKS})
    assert controller.problems == ["shop_e.sync_controllers.twin has the same name; rename one of the two files."]
    assert "shop_d.sync_controllers.twin: shop_e.sync_controllers.twin has the same name" in said_by_check(capsys)


def test_name_of_a_built_in_controller_is_refused(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    built_in = get_controller("stream_sync")
    install({"shop_f/stream_sync": HOOKS})
    assert get_controller("stream_sync") is built_in
    expected = "shop_f.sync_controllers.stream_sync has the name of a built-in controller; rename the file."
    assert expected in said_by_check(capsys)


def test_misspelt_hook_is_warned_of(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    (controller,) = install({"shop_g/slip": HOOKS + "def befor_sync(sync_job, source_doc, target_doc): ..."})
    assert controller.problems == []
    expected = "befor_sync is no hook and is never called; did you mean before_sync?"
    assert f"shop_g.sync_controllers.slip: {expected}" in said_by_check(capsys)


def test_functions_of_the_author_s_own_are_not_warned_of(install: Install) -> None:
    (controller,) = install({"shop_h/own": HOOKS + "def copy_fields(a, b): ...\nfinished_in_dry_run = True"})
    assert (controller.problems, controller.warnings) == ([], [])
