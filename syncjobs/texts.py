"""Texts on their way into the database: without secrets, and without what a database refuses. Pure."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from connectors.redaction import redact


def storable_text(text: str) -> str:
    """The text with secrets blacked out, NUL and halves of surrogate pairs replaced: any database takes it."""
    return storable_characters(redact(text))


def storable_characters(text: str) -> str:
    """The text with NUL and halves of surrogate pairs replaced, and nothing else: for data, not for logs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def storable_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The same for a JSON object; a value that JSON does not know becomes its text."""
    try:
        text = json.dumps(fields, cls=DjangoJSONEncoder, allow_nan=False)
    except (TypeError, ValueError):
        text = json.dumps({str(name): str(value) for name, value in fields.items()})
    cleaned: dict[str, Any] = json.loads(redact(text).replace("\\u0000", "\\ufffd"))
    return cleaned
