"""Kinds by entry point: the built-in ones, broken ones, and ones of other packages, which are really installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from connectors.base import Connector
from connectors.errors import ConfigError
from connectors.registry import connector_class, forget_kinds, known_kinds, look_in
from connectors.soda import SodaConnector

SOURCE = """
from connectors.soda import SodaConnector
class {name}(SodaConnector):
    kind, label = "{kind}", "Acme"
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path in which tests install packages."""
    monkeypatch.syspath_prepend(str(tmp_path))
    forget_kinds()
    yield tmp_path
    forget_kinds()
    for name in ("acme_kinds", "other_kinds"):
        sys.modules.pop(name, None)


def install(folder: Path, package: str, entry_points: str, source: str) -> None:
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\nProvides-Extra: acme\n")
    (info / "entry_points.txt").write_text(f"[syncdeck.connectors]\n{entry_points}\n")
    (folder / f"{package}.py").write_text(source)


def test_built_in_kinds_are_there() -> None:
    kinds = {kind.name: kind for kind in known_kinds()}
    assert {"soda", "sqlite", "postgres"} <= set(kinds)
    assert kinds["soda"].label == "Socrata open data portal (SODA)"
    assert all(not kinds[name].problem for name in ("soda", "sqlite", "postgres"))
    assert connector_class("soda") is SodaConnector


@pytest.mark.parametrize("kind", ["soda", "sqlite", "postgres"])
def test_built_in_kinds_keep_the_contract_of_their_forms(kind: str) -> None:
    found = connector_class(kind)
    assert found.kind == kind
    assert issubclass(found, Connector)
    for part in found.spec().values():
        assert part["type"] == "object"
        for rules in part["properties"].values():
            assert rules["title"]


def test_unknown_kind_lists_the_kinds() -> None:
    with pytest.raises(ConfigError, match=r"no connector kind 'sdoa'; the kinds are .*postgres.*soda") as caught:
        connector_class("sdoa")
    assert caught.value.code == "unknown_kind"


def test_kind_of_another_package_is_found(packages: Path) -> None:
    source = SOURCE.format(name="AcmeConnector", kind="acme")
    install(packages, "acme_kinds", "acme = acme_kinds:AcmeConnector", source)
    assert connector_class("acme").label == "Acme"
    assert "Acme" in [kind.label for kind in known_kinds()]


@pytest.mark.parametrize(
    ("entry_point", "hint"),
    [
        ("acme = acme_kinds:AcmeConnector", "Add it with: pip install a_driver_nobody_has"),
        ("acme = acme_kinds:AcmeConnector [acme]", "Add it with: pip install 'acme_kinds[acme]'"),
    ],
)
def test_kind_whose_driver_is_missing_is_listed_with_the_line_that_adds_it(
    packages: Path, entry_point: str, hint: str
) -> None:
    install(packages, "acme_kinds", entry_point, "import a_driver_nobody_has\n")
    listed = next(kind for kind in known_kinds() if kind.name == "acme")
    assert listed.problem.endswith(hint)
    assert "a_driver_nobody_has" in listed.problem
    with pytest.raises(ConfigError) as caught:
        connector_class("acme")
    assert caught.value.code == "kind_not_usable"
    assert connector_class("soda") is SodaConnector


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x = 1\n", "cannot be loaded from acme_kinds:AcmeConnector"),
        ("AcmeConnector = 5\n", "is not a Connector class"),
        ("class AcmeConnector: ...\n", "is not a Connector class"),
        ("from connectors import nothing_like_that\n", "cannot be loaded from acme_kinds:AcmeConnector"),
        ("def broken(:\n", "SyntaxError"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("from connectors.soda import SodaConnector as AcmeConnector\n", "needs a label and the kind 'acme'"),
    ],
)
def test_broken_kind_is_listed_with_its_problem(packages: Path, source: str, text: str) -> None:
    install(packages, "acme_kinds", "acme = acme_kinds:AcmeConnector", source)
    assert text in next(kind for kind in known_kinds() if kind.name == "acme").problem


def test_kind_offered_twice_names_both_packages(packages: Path) -> None:
    source = "from connectors.soda import SodaConnector as AcmeConnector\n"
    install(packages, "acme_kinds", "acme = acme_kinds:AcmeConnector", source)
    install(packages, "other_kinds", "acme = other_kinds:AcmeConnector", source)
    with pytest.raises(ConfigError, match="offered twice") as caught:
        connector_class("acme")
    assert "acme_kinds" in caught.value.message
    assert "other_kinds" in caught.value.message


@pytest.fixture
def app(packages: Path) -> Iterator[Path]:
    """The folder for kinds of an installed app that is no package of pip's."""
    folder = packages / "acme_kinds" / "sync_connectors"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").touch()
    look_in([*(one.name for one in apps.get_app_configs()), "acme_kinds"])
    yield folder
    look_in(one.name for one in apps.get_app_configs())
    for name in [name for name in sys.modules if name.startswith("acme_kinds")]:
        del sys.modules[name]


def test_kind_of_an_app_is_found_by_its_file(app: Path) -> None:
    (app / "acme.py").write_text(SOURCE.format(name="AcmeConnector", kind="acme"))
    (app / "_inside.py").write_text("1 / 0")
    assert connector_class("acme").__name__ == "AcmeConnector"
    assert "_inside" not in [kind.name for kind in known_kinds()]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("1 / 0", "cannot be loaded from acme_kinds.sync_connectors.acme: ZeroDivisionError"),
        ("import a_driver_nobody_has", "Add it with: pip install a_driver_nobody_has"),
        ("x = 1", "has 0 Connector classes of its own"),
        (SOURCE.format(name="One", kind="acme") + SOURCE.format(name="Two", kind="acme"), "has 2 Connector classes"),
        (SOURCE.format(name="One", kind="other"), "needs a label and the kind 'acme'"),
    ],
)
def test_broken_kind_of_an_app_is_listed_with_its_problem(app: Path, source: str, text: str) -> None:
    (app / "acme.py").write_text(source)
    listed = {kind.name: kind for kind in known_kinds()}
    assert text in listed["acme"].problem
    assert not listed["soda"].problem
