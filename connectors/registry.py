"""Finds the class behind a connector's kind by entry point group `syncdeck.connectors`. Makes no connector itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from connectors.base import Connector
from connectors.errors import ConfigError

GROUP = "syncdeck.connectors"


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
        sources = " and ".join(f"{_package(point)} ({point.value})" for point in points)
        raise ConfigError("kind_not_usable", f"the connector kind '{kind}' is offered twice, by {sources}")
    return _load(points[0])


def known_kinds() -> tuple[Kind, ...]:
    """Every kind by name, also those that cannot be used, with what they lack."""
    return tuple(_describe(name) for name in sorted(_points_by_kind()))


def forget_kinds() -> None:
    """Look the entry points up again: for tests and after an installation."""
    _points_by_kind.cache_clear()


@cache
def _points_by_kind() -> dict[str, tuple[EntryPoint, ...]]:
    """The entry points of each kind, without exact repetitions (an editable install may be listed twice)."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, {}).setdefault(point.value, point)
    return {name: tuple(points.values()) for name, points in found.items()}


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
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            "kind_not_usable",
            f"the connector kind '{point.name}' cannot be loaded from {point.value}: {error}",
            hint=f"Repair or remove the package {_package(point)}.",
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Connector)):
        raise ConfigError("kind_not_usable", f"'{point.value}' of {_package(point)} is not a Connector class")
    return loaded


def _missing_package(point: EntryPoint, module: str) -> ConfigError:
    wanted = f"'{_package(point)}[{','.join(point.extras)}]'" if point.extras else module
    return ConfigError(
        "kind_not_usable",
        f"the connector kind '{point.name}' needs the Python module {module}, which is not installed",
        hint=f"Add it with: pip install {wanted}",
    )


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"
