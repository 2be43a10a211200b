"""What a controller file may hold: the hooks, how many arguments each takes, and what is wrong with a given file."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

_JOB_AND_SOURCE = ("sync_job", "source_doc")
_WITH_TARGET = (*_JOB_AND_SOURCE, "target_doc")

HOOKS: Mapping[str, tuple[str, ...]] = {
    "execute": _JOB_AND_SOURCE,
    "after_start": _JOB_AND_SOURCE,
    "get_target_document": _JOB_AND_SOURCE,
    "get_multiple_target_documents": _JOB_AND_SOURCE,
    "before_relay": (*_JOB_AND_SOURCE, "targets"),
    "after_relay": (*_JOB_AND_SOURCE, "child_jobs"),
    "update_target_doc": _WITH_TARGET,
    "before_sync": _WITH_TARGET,
    "after_sync": _WITH_TARGET,
    "finished": _WITH_TARGET,
}
"""Every hook with its arguments, in the order in which the framework calls them."""

DISCOVERY = ("get_multiple_target_documents", "get_target_document")
"""Which hook names the targets; the first one that a controller has is asked."""

SETTINGS = ("config_schema", "masked_fields", "finished_in_dry_run")


def find_hook(code: object, name: str) -> Callable[..., Any] | None:
    """The hook of a module or instance; None where it has none."""
    found = getattr(code, name, None)
    return found if callable(found) else None


def is_bypass(code: object) -> bool:
    """Whether it does everything itself; with `execute` the other hooks are not called."""
    return find_hook(code, "execute") is not None


def has_hooks(code: object) -> bool:
    """Whether a module or class holds any hook at all."""
    return any(find_hook(code, name) is not None for name in HOOKS)


def hook_problems(code: object) -> list[str]:
    """Why this module or instance cannot be a controller, one sentence each; empty if it can."""
    problems = [sentence for name in HOOKS if (sentence := _hook_problem(code, name))]
    if not is_bypass(code):
        if find_hook(code, "update_target_doc") is None:
            problems.append("It needs execute, or update_target_doc with a hook that names the target.")
        elif not any(find_hook(code, name) for name in DISCOVERY):
            problems.append("Beside update_target_doc it needs get_target_document or get_multiple_target_documents.")
    return problems + _setting_problems(code)


def _hook_problem(code: object, name: str) -> str:
    hook = getattr(code, name, None)
    if hook is None:
        return ""
    if not callable(hook):
        return f"{name} must be a function, not {type(hook).__name__}."
    if inspect.iscoroutinefunction(hook) or inspect.isgeneratorfunction(hook):
        return f"{name} must be a plain function, neither async nor a generator."
    try:
        inspect.signature(hook).bind(*HOOKS[name])
    except (TypeError, ValueError):
        return f"{name} must take ({', '.join(HOOKS[name])})."
    return ""


def _setting_problems(code: object) -> list[str]:
    problems = []
    if not isinstance(getattr(code, "config_schema", {}), dict):
        problems.append("config_schema must be a JSON Schema as a dict.")
    masked = getattr(code, "masked_fields", ())
    if isinstance(masked, str) or not all(isinstance(name, str) for name in masked):
        problems.append("masked_fields must be a tuple of field names.")
    return problems


def likely_misspellings(code: object) -> list[str]:
    """Functions that are no hook but nearly named like one: nobody would ever call them."""
    names = [name for name in vars(code) if not name.startswith("_") and name not in HOOKS and name not in SETTINGS]
    found = []
    for name in names:
        meant = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.85)
        if meant and inspect.isfunction(getattr(code, name)) and find_hook(code, meant[0]) is None:
            found.append(f"{name} is no hook and is never called; did you mean {meant[0]}?")
    return found
