"""The one-way house: no module imports upward, in a cycle, or inside a function (the table is STYLE §3's)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent

# The longest matching prefix names a module's layer; a module may import its own layer's modules and those below, as
# ALLOWED says. "root" may import anything.
LAYERS = {
    "connectors": "connectors",
    "connectors.sandbox": "sandbox",
    "connectors.management": "connector doors",
    "syncjobs": "unknown",
    "syncjobs.supervision": "supervision",
    "syncjobs.log_context": "pure",
    "syncjobs.asking": "pure",
    "syncjobs.counts": "pure",
    "syncjobs.statuses": "pure",
    "syncjobs.retries": "pure",
    "syncjobs.record_keys": "pure",
    "syncjobs.fingerprints": "pure",
    "syncjobs.diffs": "pure",
    "syncjobs.document_naming": "pure",
    "syncjobs.testing": "root",
    "syncjobs.scopes": "pure",
    "syncjobs.chain_paths": "pure",
    "syncjobs.webhook_signatures": "pure",
    "syncjobs.texts": "pure",
    "syncjobs.schedule_times": "pure",
    "syncjobs.stream_cursors": "pure",
    "syncjobs.stream_naming": "pure",
    "syncjobs.stream_checks": "pure",
    "syncjobs.stream_limiting": "pure",
    "syncjobs.stream_parsing": "pure",
    "syncjobs.stream_sources": "pure",
    "syncjobs.stream_specs": "pure",
    "syncjobs.stream_splits": "pure",
    "syncjobs.guard_schemas": "pure",
    "syncjobs.stream_schemas": "pure",
    "syncjobs.stream_source_schemas": "pure",
    "syncjobs.date_ranges": "pure",
    "syncjobs.schema_drift": "pure",
    "syncjobs.mapping": "pure",
    "syncjobs.models": "models",
    "syncjobs.migrations": "models",
    "syncjobs.querysets": "models",
    "syncjobs.clock": "models",
    "syncjobs.crash_points": "models",
    "syncjobs.database_failures": "models",
    "syncjobs.programs_seen": "models",
    "syncjobs.lifecycle": "lifecycle",
    "syncjobs.controllers": "controllers",
    "syncjobs.documents": "controllers",
    "syncjobs.streams": "controllers",
    "syncjobs.execution": "execution",
    "syncjobs.failures": "execution",
    "syncjobs.own_statements": "execution",
    "syncjobs.running": "execution",
    "syncjobs.job_logs": "execution",
    "syncjobs.watcher": "execution",
    "syncjobs.presence": "execution",
    "syncjobs.appetite": "execution",
    "syncjobs.free_memory": "execution",
    "syncjobs.bundles": "execution",
    "syncjobs.tasks": "tasks",
    "syncjobs.operations": "operations",
    "syncjobs.dispatch": "dispatch",
    "syncjobs.dispatch_outbox": "dispatch",
    "syncjobs.triggers": "triggers",
    "syncjobs.api": "api",
    "syncjobs.portal": "portal",
    "syncjobs.management": "commands",
    "syncjobs.management.commands.dispatcher": "root",
    "syncjobs.apps": "root",
    "config": "root",
}
BELOW_DOORS = {"connectors", "pure", "models", "operations", "dispatch", "triggers", "supervision"}
ALLOWED = {
    "connectors": set(),
    "sandbox": set(),
    "connector doors": {"connectors", "sandbox"},
    "supervision": set(),
    "pure": {"connectors"},
    "models": {"connectors", "pure"},
    "lifecycle": {"connectors", "pure", "models"},
    "controllers": {"connectors", "pure", "models", "lifecycle"},
    "execution": {"connectors", "pure", "models", "lifecycle", "controllers"},
    "tasks": {"pure", "models", "execution"},
    "operations": {"connectors", "pure", "models", "lifecycle", "controllers", "tasks"},
    "dispatch": {"pure", "models", "lifecycle", "operations"},
    "triggers": {"pure", "models", "lifecycle", "operations"},
    # doors also read the one list of allowed actions and the conflict that shows it
    "api": BELOW_DOORS | {"lifecycle", "controllers"},
    "portal": BELOW_DOORS | {"lifecycle", "controllers"},
    "commands": BELOW_DOORS | {"lifecycle", "controllers"},
}
ONLY_IN = {
    "celery": ("config", "syncjobs.tasks", "syncjobs.dispatch", "syncjobs.triggers.beat"),
    "requests": ("connectors",),
    "django_celery_beat": ("syncjobs.models.schedules", "syncjobs.triggers", "syncjobs.operations.schedules"),
}


def modules() -> dict[str, Path]:
    found = {}
    for top in ("config", "connectors", "syncjobs"):
        for path in (CHECKOUT / top).rglob("*.py"):
            name = ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def layer_of(module: str) -> str:
    prefix = max((name for name in LAYERS if module == name or module.startswith(name + ".")), key=len)
    return LAYERS[prefix]


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def imports_of(module: str) -> list[tuple[str, ast.stmt]]:
    """(module imported, statement), resolved to our modules where they are ours; type-checking ones included."""
    return list(_find_imports(module))


def _find_imports(module: str) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                longer = f"{node.module}.{alias.name}"
                yield (longer if longer in MODULES else node.module), node


def is_for_types_only(module: str, statement: ast.stmt) -> bool:
    for node in tree_of(module).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return any(inner.lineno == statement.lineno for inner in node.body)
    return False


@pytest.mark.parametrize("module", sorted(MODULES))
def test_module_imports_only_what_lies_below_it(module: str) -> None:
    layer = layer_of(module)
    if layer == "root":
        return
    if layer == "unknown":
        assert MODULES[module].read_text(encoding="utf-8").count("import ") == 0, f"{module} has no layer in the table"
        return
    for imported, _ in imports_of(module):
        if imported.split(".")[0] not in {"config", "connectors", "syncjobs"}:
            continue
        other = layer_of(imported)
        assert other == layer or other in ALLOWED[layer], f"{module} ({layer}) imports {imported} ({other})"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_module_imports_nothing_inside_a_function(module: str) -> None:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            late = [inner.lineno for inner in ast.walk(node) if isinstance(inner, ast.Import | ast.ImportFrom)]
            assert not late, f"{module}: import inside {node.name}, line {late[0]}"


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_library_stays_in_its_place(library: str) -> None:
    for module in MODULES:
        uses = any(imported.split(".")[0] == library for imported, _ in imports_of(module))
        is_allowed = any(module == place or module.startswith(place + ".") for place in ONLY_IN[library])
        assert is_allowed or not uses, f"{module} imports {library}"


def test_modules_import_each_other_without_a_cycle() -> None:
    ours = {
        module: {
            imported
            for imported, statement in imports_of(module)
            if imported in MODULES and imported != module and not is_for_types_only(module, statement)
        }
        for module in MODULES
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"cycle: {' → '.join((*path[path.index(module) :], module))}"
        if module not in done:
            for imported in sorted(ours[module]):
                visit(imported, (*path, module))
            done.add(module)

    for module in sorted(MODULES):
        visit(module, ())
