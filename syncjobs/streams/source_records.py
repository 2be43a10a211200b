"""A source record as JSON text and back, so faithful that mapping it again gives the same. Pure."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any


def record_as_text(record: Mapping[str, Any]) -> str:
    """JSON in ASCII: NUL, NaN and halves of surrogate pairs are spelled out, texts stay as the source gave them.

    Other values become the JSON text forms that mapping takes for them; times without a zone stay without.
    """
    return json.dumps(dict(record), default=_text_form, separators=(",", ":"))


def _text_form(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)
