"""Finds the class behind a connector's kind: by entry point group `syncdeck.connectors`, or in a folder of an app.

Makes no connector itself.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from types import ModuleType

from connectors.base import Connector
from connectors.errors import ConfigError

GROUP = "syncdeck.connectors"
FOLDER = "sync_connectors"
_apps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind as listed; `problem` says what is missing where it cannot be used, with the pip line that adds it."""

    name: str
    label: str
    problem: str = ""


def connector_class(kind: str) -> type[Connector]:
    """The class of a kind. Raises ConfigError `unknown_kind` (which lists the kinds) or `kind_not_usable`."""
    points = _points_by_kind().get(kind)
    if not points:
        raise ConfigError(
            "unknown_kind",
            f"there is no connector kind '{kind[:100]}'; the kinds are {', '.join(sorted(_points_by_kind()))}",
            hint="Choose one of the kinds, or install the package that brings this one.",
        )
    if len(points) > 1:
        sources = " and ".join(f"{_source(point)} ({point.value})" for point in points)
        raise ConfigError("kind_not_usable", f"the connector kind '{kind}' is offered twice, by {sources}")
    return _load(points[0])


def known_kinds() -> tuple[Kind, ...]:
    """Every kind by name, also those that cannot be used, with what they lack."""
    return tuple(_describe(name) for name in sorted(_points_by_kind()))


def forget_kinds() -> None:
    """Look the entry points up again: for tests and after an installation."""
    _points_by_kind.cache_clear()


def look_in(apps: Iterable[str]) -> None:
    """Offer the kinds of these packages, too: each is a module `<app>/sync_connectors/<kind>.py` with one class."""
    global _apps
    _apps = tuple(apps)
    forget_kinds()


@cache
def _points_by_kind() -> dict[str, tuple[EntryPoint, ...]]:
    """The entry points of each kind, without exact repetitions (an editable install may be listed twice)."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for point in (*entry_points(group=GROUP), *_points_of_apps()):
        found.setdefault(point.name, {}).setdefault(point.value, point)
    return {name: tuple(points.values()) for name, points in found.items()}


def _points_of_apps() -> Iterator[EntryPoint]:
    for app in _apps:
        folder = find_spec(f"{app}.{FOLDER}")
        for module in pkgutil.iter_modules(folder.submodule_search_locations if folder else []):
            if not module.name.startswith("_"):
                yield EntryPoint(module.name, f"{app}.{FOLDER}.{module.name}", GROUP)


def _describe(name: str) -> Kind:
    try:
        return Kind(name, connector_class(name).label)
    except ConfigError as error:
        return Kind(name, name, " ".join(filter(None, (error.message + ".", error.hint))))


def _load(point: EntryPoint) -> type[Connector]:
    try:
        loaded = point.load()
    except ModuleNotFoundError as error:
        raise _missing_package(point, error.name or "") from error
    except Exception as error:  # whatever somebody else's file does when it is imported must not break our pages
        raise ConfigError(
            "kind_not_usable",
            f"the connector kind '{point.name}' cannot be loaded from {point.value}: {type(error).__name__}: {error}",
            hint=f"Repair or remove {_source(point)}.",
        ) from error
    found = _class_in(loaded) if isinstance(loaded, ModuleType) else loaded
    if not (isinstance(found, type) and issubclass(found, Connector)):
        raise ConfigError("kind_not_usable", f"'{point.value}' of {_source(point)} is not a Connector class")
    if getattr(found, "kind", "") != point.name or not hasattr(found, "label"):
        raise ConfigError(
            "kind_not_usable",
            f"the class {found.__name__} of {point.value} needs a label and the kind '{point.name}'",
            hint="The attribute `kind` is the name of the entry point or file.",
        )
    return found


def _class_in(module: ModuleType) -> type[Connector]:
    """The only class of connectors that a module has itself."""
    own = [found for found in vars(module).values() if isinstance(found, type) and found.__module__ == module.__name__]
    connectors = [found for found in own if issubclass(found, Connector)]
    if len(connectors) != 1:
        message = f"{module.__name__} has {len(connectors)} Connector classes of its own; it must have one"
        raise ConfigError("kind_not_usable", message)
    return connectors[0]


def _missing_package(point: EntryPoint, module: str) -> ConfigError:
    wanted = f"'{point.dist.name}[{','.join(point.extras)}]'" if point.extras and point.dist else module
    return ConfigError(
        "kind_not_usable",
        f"the connector kind '{point.name}' needs the Python module {module}, which is not installed",
        hint=f"Add it with: pip install {wanted}",
    )


def _source(point: EntryPoint) -> str:
    return f"the package {point.dist.name}" if point.dist else f"the file of {point.module}"
