"""The controllers that exist, by name. The database stores names; nothing is ever imported from what a user typed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.errors import ConfigError
from syncjobs.controllers.base import Controller

_controllers: dict[str, Controller] = {}


def register_controller(controller: Controller) -> None:
    """Make a controller known; a second one of the same name is a programming error (ValueError)."""
    known = _controllers.setdefault(controller.name, controller)
    if known is not controller:
        raise ValueError(f"two controllers are named '{controller.name}'")


@contextmanager
def standing_in(controller: Controller) -> Iterator[None]:
    """Until the block ends, this is the controller of its name; for tests of controllers."""
    before = _controllers.get(controller.name)
    _controllers[controller.name] = controller
    try:
        yield
    finally:
        del _controllers[controller.name]
        if before is not None:
            register_controller(before)


def controllers() -> list[Controller]:
    """All of them by name, those that cannot be used included."""
    return [_controllers[name] for name in sorted(_controllers)]


def controller_names() -> list[str]:
    return sorted(_controllers)


def get_controller(name: str) -> Controller:
    """The controller registered as `name`; ConfigError `module_not_found` lists those that are."""
    try:
        return _controllers[name]
    except KeyError:
        raise ConfigError(
            "module_not_found",
            f"'{name}' is not a registered controller",
            hint=f"Choose one of: {', '.join(controller_names())}. "
            f"A new one is a file <app>/sync_controllers/{name}.py of an installed app (SYNCDECK_APPS adds apps); "
            "web, workers and beat see it after a restart.",
        ) from None
