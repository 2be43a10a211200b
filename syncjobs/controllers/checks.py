"""What `manage.py check` says of the controllers: the same as the type's form and a job that meets a broken one."""

from __future__ import annotations

from typing import Any

from django.core import checks

from syncjobs.controllers.code import CodeController
from syncjobs.controllers.discovery import left_out
from syncjobs.controllers.registry import controllers


def check_controllers(**_options: Any) -> list[checks.CheckMessage]:
    """An error (syncjobs.E001) for each thing that makes a controller unusable, a warning (W001) for a likely slip."""
    found: list[checks.CheckMessage] = [checks.Error(sentence, id="syncjobs.E001") for sentence in left_out()]
    for controller in controllers():
        if isinstance(controller, CodeController):
            found += [checks.Error(f"{controller.path}: {text}", id="syncjobs.E001") for text in controller.problems]
            found += [checks.Warning(f"{controller.path}: {text}", id="syncjobs.W001") for text in controller.warnings]
    return found
