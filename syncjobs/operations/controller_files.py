"""Makes the file of a new controller in an app that SYNCDECK_APPS adds. Never overwrites; registers nothing."""

from __future__ import annotations

import keyword
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from django.apps import AppConfig, apps
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.text import slugify

from syncjobs.controllers.discovery import FOLDER
from syncjobs.controllers.registry import controller_names, get_controller

Mode = Literal["standard", "bypass"]
LONGEST_NAME = 80


class FileRefused(Exception):
    """The file cannot be made; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class ControllerFileOffer:
    """A file that could be made: `controller` is the name of the module, `app_labels` the apps that could hold it."""

    controller: str
    app_labels: tuple[str, ...]


def controller_file_offer(name: str) -> ControllerFileOffer | None:
    """What a form may offer somebody who typed the name of a controller that does not exist; with DEBUG only."""
    if not settings.DEBUG:
        return None
    try:
        module = module_name(name)
    except FileRefused:
        return None
    labels = apps_for_controllers()
    return ControllerFileOffer(module, labels) if labels and module not in controller_names() else None


def apps_for_controllers() -> tuple[str, ...]:
    """The labels of the apps in which a file could be made."""
    return tuple(label for label, app in _own_apps().items() if _is_writable(Path(app.path)))


def make_controller_file(name: str, app_label: str, mode: Mode = "standard") -> Path:
    """Write `<app>/sync_controllers/<name as an identifier>.py` from the template of its mode; returns its path.

    Raises FileRefused for a name that gives no identifier or is taken, an unknown app, and one that cannot be written.
    """
    module = module_name(name)
    app = _own_app(app_label)
    _refuse_taken(module)
    text = render_to_string(f"controllers/{mode}.py-tpl", {"title": _title(name)})
    path = Path(app.path) / FOLDER / f"{module}.py"
    try:
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise FileRefused(f"{path} is there already; choose another name, or edit that file.") from None
    except OSError as error:
        raise FileRefused(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def module_name(name: str) -> str:
    """E.g. sap_customer_sync for "SAP Customer Sync"; FileRefused for a name that gives none."""
    module = slugify(name).replace("-", "_").strip("_")
    if not module.isidentifier() or keyword.iskeyword(module):
        raise FileRefused(f"'{name}' gives no name for a Python file; take one like SAP Customer Sync.")
    if len(module) > LONGEST_NAME:
        raise FileRefused(f"'{name}' is longer than {LONGEST_NAME} characters; choose a shorter name.")
    return module


def _title(name: str) -> str:
    """The name as it may stand in a docstring."""
    words = " ".join(name.replace("\\", " ").replace('"', "'").split()).rstrip(".")
    return "".join(letter for letter in words if letter.isprintable())


def _own_apps() -> dict[str, AppConfig]:
    """The apps that SYNCDECK_APPS adds, by label; those of Django and of Syncdeck itself are no place for a file."""
    listed = set(settings.SYNCDECK_APPS)
    return {app.label: app for app in apps.get_app_configs() if {app.name, _config_path(app)} & listed}


def _config_path(app: AppConfig) -> str:
    return f"{type(app).__module__}.{type(app).__qualname__}"


def _own_app(label: str) -> AppConfig:
    own = _own_apps()
    if label in own:
        return own[label]
    if not own:
        raise FileRefused(f"There is no app '{label}': name your app in SYNCDECK_APPS first.")
    raise FileRefused(f"There is no app '{label}' in SYNCDECK_APPS; choose one of: {', '.join(own)}.")


def _refuse_taken(module: str) -> None:
    if module in controller_names():
        where = getattr(get_controller(module), "path", "Syncdeck itself")
        raise FileRefused(f"There is a controller '{module}' already, in {where}; choose another name.")


def _is_writable(folder: Path) -> bool:
    below = folder / FOLDER
    return os.access(below if below.is_dir() else folder, os.W_OK)
