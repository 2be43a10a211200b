"""What a record of a stream is called: its key as text, and the key behind such a name. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import ConfigError, DataError
from connectors.records import Field, StreamSchema, decode_value, encode_value
from syncjobs.diffs import json_form

LONGEST_NAME = 255  # characters; what a job keeps of its documents' names


def key_fields(document_type: str, schema: StreamSchema) -> tuple[Field, ...]:
    """The fields of the stream's key, in its order. ConfigError `no_key` where there is none."""
    fields = tuple(field for name in schema.key if (field := schema.get(name)))
    if not fields:
        raise ConfigError(
            "no_key",
            f"{document_type} has no key, so that its records cannot be told apart by name",
            hint="Give the table a primary key, or sync it as a stream.",
        )
    return fields


def name_of_key(fields: Sequence[Field], key: Mapping[str, Any]) -> str:
    """The value as text, or a compact JSON object of several; empty while one of them is not known.

    The values may be Python objects or their JSON forms. DataError `name_too_long` over 255 characters.
    """
    forms = {field.name: _form(field, key.get(field.name)) for field in fields}
    if None in forms.values():
        return ""
    (form, *others) = forms.values()
    name = form if isinstance(form, str) and not others else _compact(forms if others else form)
    if len(name) > LONGEST_NAME:
        message = f"the key of a record is {len(name)} characters long as text, over {LONGEST_NAME}: {name[:80]}…"
        raise DataError("name_too_long", message, hint="Sync such records as a stream, or by a shorter key.")
    return name


def _form(field: Field, value: Any) -> Any:
    try:
        return encode_value(field.type, decode_value(field.type, value))
    except ValueError:
        return json_form(value)  # writing will refuse it, and name the field


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def key_of_name(document_type: str, fields: Sequence[Field], name: str) -> dict[str, Any]:
    """The typed values of the key behind a name. ConfigError `bad_document_name` if it cannot be one."""
    if len(fields) == 1:
        return {fields[0].name: _decoded(document_type, fields, name, fields[0], name)}
    try:
        given = json.loads(name)
    except ValueError:
        raise _bad(document_type, fields, name, "it is no JSON object") from None
    wanted = [field.name for field in fields]
    if not isinstance(given, dict) or sorted(given) != sorted(wanted):
        raise _bad(document_type, fields, name, f"the key is {', '.join(wanted)}")
    return {field.name: _decoded(document_type, fields, name, field, given[field.name]) for field in fields}


def _decoded(document_type: str, fields: Sequence[Field], name: str, field: Field, value: Any) -> Any:
    try:
        decoded = decode_value(field.type, value)
    except ValueError as error:
        raise _bad(document_type, fields, name, f"{field.name} {error}") from None
    if decoded is None:
        raise _bad(document_type, fields, name, f"{field.name} is empty")
    return decoded


def _bad(document_type: str, fields: Sequence[Field], name: str, reason: str) -> ConfigError:
    hint = f"Give the value of {fields[0].name} ({fields[0].type})."
    if len(fields) > 1:
        hint = f"Give the key as JSON: {_compact({field.name: '…' for field in fields})}"
    return ConfigError(
        "bad_document_name", f"'{name[:200]}' cannot name a record of {document_type}: {reason}", hint=hint
    )
