"""Promises of the checkout itself: locked dependencies, complete migrations, a lean supervisor."""

import ast
import re
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.isolation import CHECKOUT
from tests.platform.test_environment import run_manage

LOCKS = ("requirements.lock", "requirements-dev.lock")


def test_every_model_change_has_its_migration() -> None:
    outcome = run_manage("makemigrations", "--check", "--dry-run")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_dependency_has_a_version_and_hashes_and_no_address(name: str) -> None:
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    assert "://" not in text
    requirements = re.split(r"\n(?=[A-Za-z0-9])", text.replace("\\\n", " "))
    assert len(requirements) > 40
    for requirement in requirements:
        assert re.match(r"[a-z0-9][a-z0-9.-]*==\S+ ", requirement), requirement
        assert "--hash=sha256:" in requirement


def locked_versions(name: str) -> dict[str, str]:
    """Return the version of each package in a lock file."""
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", text, re.MULTILINE))


def test_tests_run_on_the_versions_that_users_get() -> None:
    runtime, development = (locked_versions(name) for name in LOCKS)
    assert runtime.items() <= development.items()


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["demo"], *extras["build"]]
    names = {re.split(r"[\[<>=; ]", requirement)[0].lower() for requirement in asked}
    assert names <= set(locked_versions("requirements.lock"))
    development = {re.split(r"[\[<>=; ]", requirement)[0].lower() for requirement in extras["dev"]}
    assert development <= set(locked_versions("requirements-dev.lock"))


def test_connector_kinds_are_found_as_installed_entry_points() -> None:
    found = {point.name: point.load().__name__ for point in entry_points(group="syncdeck.connectors")}
    kinds = {"postgres": "PostgresConnector", "rest": "RestConnector"}
    kinds |= {"soda": "SodaConnector", "sqlite": "SQLiteConnector"}
    assert kinds.items() <= found.items()


def imported_modules(path: Path) -> set[str]:
    """Return the first part of every module a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize(
    "path", sorted((CHECKOUT / "syncjobs" / "supervision").glob("*.py")), ids=lambda path: path.name
)
def test_supervisor_stands_on_the_standard_library_alone(path: Path) -> None:
    for module in imported_modules(path):
        is_own = module.startswith("syncjobs.supervision")
        assert is_own or module.split(".")[0] in sys.stdlib_module_names, f"{path.name} imports {module}"


def test_nothing_but_config_reads_the_environment() -> None:
    """Credentials given as env:NAME and the supervisor, which only hands the environment on, are the exceptions."""
    allowed = {"connectors/references.py", "syncjobs/supervision/output.py", "syncjobs/supervision/supervisor.py"}
    files = [path for package in ("connectors", "syncjobs") for path in (CHECKOUT / package).rglob("*.py")]
    readers = {path for path in files if re.search(r"os\.(environ|getenv)", path.read_text(encoding="utf-8"))}
    assert {str(path.relative_to(CHECKOUT)) for path in readers} <= allowed
