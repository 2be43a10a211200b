"""The controllers to choose from, those that cannot be used with the reason, and what types of documents there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.apps import apps

from syncjobs.controllers.code import CodeController
from syncjobs.controllers.registry import controllers
from syncjobs.operations.visible import visible_connectors

BUILT_IN = "built in"
INTERNAL_APPS = frozenset(
    ("admin", "auth", "contenttypes", "sessions", "messages", "django_celery_beat", "syncjobs", "connectors")
)
"""Apps whose models are rarely what somebody wants to sync; they may still be typed."""


@dataclass(frozen=True, slots=True)
class ControllerChoice:
    """A controller as the form lists it; with problems it cannot be used."""

    name: str
    where: str
    problems: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    """What its config_schema takes, a line each."""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.where}){': cannot be used' if self.problems else ''}"


def controller_choices(stored: str) -> list[ControllerChoice]:
    """All of them by name, the one that a type has now included, even if there is no such controller."""
    found = [_choice(controller) for controller in controllers()]
    if stored not in {choice.name for choice in found}:
        found.append(ControllerChoice(stored, "not found", ("There is no such controller.",)))
    return found


def _choice(controller: Any) -> ControllerChoice:
    if not isinstance(controller, CodeController):
        return ControllerChoice(controller.name, BUILT_IN)
    where = controller.path.partition(".sync_controllers")[0]
    schema = controller.config_schema or {}
    return ControllerChoice(controller.name, where, tuple(controller.problems), tuple(_settings(schema)))


def _settings(schema: dict[str, Any]) -> list[str]:
    """As "limit (integer, required): how many at once"."""
    needed = schema.get("required") or []
    lines = []
    for name, rules in (schema.get("properties") or {}).items():
        rules = rules if isinstance(rules, dict) else {}
        words = [str(rules.get("type", "any value")), "required" if name in needed else ""]
        said = rules.get("description") or rules.get("title") or ""
        lines.append(f"{name} ({', '.join(filter(None, words))}){f': {said}' if said else ''}")
    return lines


class ControllerSelect(forms.Select):
    """A select whose broken controllers can be seen, but not chosen."""

    disabled_names: frozenset[str] | set[str] = frozenset()

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        if option["value"] in self.disabled_names:
            option["attrs"]["disabled"] = True
        return option


def document_types() -> list[str]:
    """What a document type may be, for suggestions: installed models, and connectors with the slash after the slug."""
    models = [model._meta.label for model in apps.get_models() if model._meta.app_label not in INTERNAL_APPS]
    return [*sorted(models), *(f"{slug}/" for slug in visible_connectors().values_list("slug", flat=True))]
