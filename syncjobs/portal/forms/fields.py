"""Form fields that the stock ones lack."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from syncjobs.portal.words import pretty_json

LARGEST_JSON = 1_000_000  # characters
KIND_WORDS: dict[type, str] = {dict: "an object { … }", list: "a list [ … ]"}


class StrictJSONField(forms.Field):
    """JSON as indented text; refuses what JSON has not (NaN), keys that stand twice, and says the line of a mistake."""

    widget = forms.Textarea

    def __init__(self, *, kinds: tuple[type, ...] = (dict,), is_tall: bool = False, **kwargs: Any) -> None:
        self.kinds = kinds
        super().__init__(**kwargs)
        self.widget.attrs |= {"class": "code tall" if is_tall else "code", "spellcheck": "false", "rows": 5}

    def prepare_value(self, value: Any) -> Any:
        return value or "" if isinstance(value, str | None) else pretty_json(value)

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return self.kinds[0]()
        text = str(value)
        if len(text) > LARGEST_JSON:
            raise ValidationError(f"This is longer than {LARGEST_JSON:,} characters.")
        try:
            parsed = json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            raise ValidationError(f"Not valid JSON, line {error.lineno}, column {error.colno}: {error.msg}.") from error
        except RecursionError as error:
            raise ValidationError("This is nested too deeply.") from error
        if not isinstance(parsed, self.kinds):
            raise ValidationError(f"This must be {' or '.join(KIND_WORDS[kind] for kind in self.kinds)}.")
        return parsed

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


def limit_choices(field: forms.Field, rows: QuerySet[Any, Any]) -> None:
    """Let a field that names a row offer and take only these."""
    assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - told to the type checker
    field.queryset = rows


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValidationError(f"The key '{name[:100]}' stands twice in one object.")
        found[name] = value
    return found


def _refuse_constant(text: str) -> Any:
    raise ValidationError(f"{text} is not valid JSON.")


def add_problem(form: forms.Form, field: str | None, message: str) -> None:
    """Show a problem at its field, or above the form where it has no such field."""
    form.add_error(field if field in form.fields else None, message)
