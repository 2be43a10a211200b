"""Reads what a discovery hook answered. Pure: an answer in, targets or one sentence about what is wrong out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from connectors.base import Operation
from connectors.errors import ConfigError, InternalError
from syncjobs.controllers.hooks import DISCOVERY

OPERATIONS = ("insert", "update", "delete")
KEYS = ("operation", "target_document_type", "target_document_name", "context")
MANY, ONE = DISCOVERY


@dataclass(frozen=True, slots=True)
class Target:
    """One document to insert, update or delete; `context` is None where the target brings none of its own."""

    operation: Operation
    document_type: str
    document_name: str = ""
    context: dict[str, Any] | None = None


def check_target(operation: Any, document_type: str, document_name: Any, context: Any = None) -> Target:
    """A Target from its parts. ConfigError `bad_target` for an unknown operation or a name that is missing."""
    if operation not in OPERATIONS:
        raise _bad(f"a target's operation must be insert, update or delete, not {operation!r}")
    name = "" if document_name is None else str(document_name)
    if operation != "insert" and not name:
        raise _bad(f"to {operation} a {document_type} its name is needed (target_document_name)")
    if context is not None and not isinstance(context, Mapping):
        raise _bad(f"a target's context must be an object, not {type(context).__name__}")
    return Target(cast(Operation, operation), document_type, name, None if context is None else dict(context))


def parse_targets(answer: Any, hook: str, default_type: str) -> list[Target]:
    """The targets that `hook` named; empty for None, nothing, and whatever has no document type.

    InternalError `controller_contract` for an answer of the wrong type, ConfigError `bad_target` for a wrong target.
    """
    if answer is None:
        return []
    if hook == ONE:
        return _parse_one(answer, hook, default_type)
    if isinstance(answer, (str, Mapping)) or not hasattr(answer, "__iter__"):
        raise _contract(hook, "a list of dicts", answer)
    return [target for item in answer if item is not None for target in _parse_one(item, hook, default_type)]


def _parse_one(answer: Any, hook: str, default_type: str) -> list[Target]:
    if not isinstance(answer, Mapping):
        raise _contract(hook, "a dict or None" if hook == ONE else "a list of dicts", answer)
    if unknown := [str(key) for key in answer if key not in KEYS]:
        raise _bad(f"{hook} named a target with {', '.join(unknown)}, which is not among {', '.join(KEYS)}")
    document_type = answer.get("target_document_type", default_type)
    if not answer or not document_type:
        return []
    name, context = answer.get("target_document_name"), answer.get("context")
    return [check_target(answer.get("operation"), str(document_type), name, context)]


def _bad(message: str) -> ConfigError:
    return ConfigError("bad_target", message, hint="Correct the controller's answer; the docs on controllers show it.")


def _contract(hook: str, wanted: str, answer: Any) -> InternalError:
    message = f"{hook} must return {wanted}, got {type(answer).__name__}"
    return InternalError("controller_contract", message, hint="Correct the controller; then retry.")
