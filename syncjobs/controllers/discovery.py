"""Finds the controllers of installed apps: `<app>/sync_controllers/<name>.py`, a module of hooks or a class of them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import traceback
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

from syncjobs.controllers.code import CodeController
from syncjobs.controllers.hooks import has_hooks
from syncjobs.controllers.registry import controller_names, get_controller, register_controller

FOLDER = "sync_controllers"
_left_out: list[str] = []


def discover_controllers() -> None:
    """Register every controller of every installed app, the broken ones with what is wrong with them.

    Of two controllers of the same name neither can be used: which was meant, nobody could say.
    """
    for app in apps.get_app_configs():
        for name in _names(app):
            controller = _load(f"{app.name}.{FOLDER}.{name}", name)
            if name in controller_names():
                _refuse_both(controller)
            else:
                register_controller(controller)


def _names(app: AppConfig) -> Iterator[str]:
    if app.module is None or not module_has_submodule(app.module, FOLDER):
        return
    package = importlib.import_module(f"{app.name}.{FOLDER}")
    for found in pkgutil.iter_modules(package.__path__):
        if not found.name.startswith("_"):
            yield found.name


def _load(path: str, name: str) -> CodeController:
    try:
        module = importlib.import_module(path)
    except Exception as error:  # whatever a file of somebody else does when it is imported must not stop the portal
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} (line {place.lineno} of {place.filename.rpartition('/')[2]})"
        return CodeController(name, path, None, (f"It cannot be imported: {said}.",))
    return controller_of(module, name)


def controller_of(module: ModuleType, name: str) -> CodeController:
    """The controller that a module is, or that its class is."""
    if has_hooks(module):
        return CodeController.from_code(name, module.__name__, lambda: module)
    classes = [found for found in vars(module).values() if _is_own_class(found, module)]
    if len(classes) == 1:
        return CodeController.from_code(name, module.__name__, classes[0])
    what = "no hook" if not classes else f"{len(classes)} classes with hooks; keep one"
    return CodeController(name, module.__name__, None, (f"{module.__name__} has {what}.",))


def _is_own_class(found: Any, module: ModuleType) -> bool:
    return inspect.isclass(found) and found.__module__ == module.__name__ and has_hooks(found)


def _refuse_both(controller: CodeController) -> None:
    known = get_controller(controller.name)
    if not isinstance(known, CodeController):
        _left_out.append(f"{controller.path} has the name of a built-in controller; rename the file.")
    elif known.path != controller.path:
        known.refuse(f"{controller.path} has the same name; rename one of the two files.")


def left_out() -> list[str]:
    """Which files were found and could not even be registered, one sentence each."""
    return list(_left_out)
