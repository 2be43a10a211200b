"""Controllers for tests, in both forms: a module of functions, and a class with the same functions as methods."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import ModuleType
from typing import Any

_numbers = itertools.count(1)
TARGET = "acme.SAPCustomer"


def module_of(**contents: Any) -> ModuleType:
    """A module with these functions and settings."""
    module = ModuleType(f"made_controller_{next(_numbers)}")
    vars(module).update(contents)
    return module


def class_of(**contents: Any) -> type:
    """A class with the same functions as methods."""
    return type(f"MadeController{next(_numbers)}", (), {name: _method(found) for name, found in contents.items()})


def _method(found: Any) -> Any:
    if not callable(found):
        return found
    function: Callable[..., Any] = found
    return lambda _self, *arguments: function(*arguments)


def insert(_sync_job: Any, _source_doc: Any) -> dict[str, Any]:
    return {"operation": "insert"}


def fill_in(sync_job: Any, _source_doc: Any, target_doc: Any) -> None:
    """Copy the job's context to the target's fields."""
    for name, value in sync_job.get_context().items():
        setattr(target_doc, name, value)
