"""Serializers and fields that take exactly what they say: no unknown names, no texts for numbers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError


class StrictSerializer(serializers.Serializer):
    """A body. A name that it does not have is refused, also one that only answers have."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            writable = [name for name, field in self.fields.items() if not field.read_only]
            refuse_unknown(set(data), writable, "unknown_field", "field")
        return super().to_internal_value(data)


class QuerySerializer(serializers.Serializer):
    """A query string; every parameter is optional, and each is given once."""

    def to_internal_value(self, data: Any) -> Any:
        refuse_unknown(set(data), list(self.fields), "unknown_parameter", "parameter")
        if twice := {name: ["Give it once."] for name, values in data.lists() if len(values) > 1}:
            raise ValidationError(twice)
        return super().to_internal_value(data.dict())


def refuse_unknown(given: set[str], known: list[str], code: str, word: str) -> None:
    """Raise ValidationError for each name that is not known."""
    told = f"There is no such {word}; there are: {', '.join(known)}." if known else f"No {word} is taken here."
    if unknown := {name[:100]: [ErrorDetail(told, code=code)] for name in sorted(given - set(known))}:
        raise ValidationError(unknown)


class StrictInteger(serializers.IntegerField):
    """A whole number of JSON: neither a text nor true."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class StrictText(serializers.CharField):
    """A text of JSON: no number."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class StrictBoolean(serializers.BooleanField):
    """true or false: neither 1 nor "yes"."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class JsonObject(serializers.DictField):
    """An object with whatever in it."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


def text(longest: int = 255, **options: Any) -> StrictText:
    """An optional text of a body; null means as if it were not given."""
    return StrictText(required=False, allow_null=True, max_length=longest, **options)


def number(least: int = 0, most: int = 2**31 - 1, **options: Any) -> StrictInteger:
    """An optional whole number of a body; null means as if it were not given."""
    return StrictInteger(required=False, allow_null=True, min_value=least, max_value=most, **options)


def flag(**options: Any) -> StrictBoolean:
    """An optional true or false of a body; null means as if it were not given."""
    return StrictBoolean(required=False, allow_null=True, **options)
