"""What the API takes as a body and sends as one: JSON, of a bounded size."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from syncjobs.api.strict_json import read_object


class TooLarge(APIException):
    """The body is larger than API_LARGEST_BODY."""

    status_code = 413
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """Reads a body as `read_object` does. Raises Unreadable, TooLarge, and UnsupportedMediaType for odd encodings."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        refuse_encodings(stream.META)
        limit = settings.API_LARGEST_BODY
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The body is larger than {limit:,} bytes.")
        return read_object(body) if body.strip() else {}


def refuse_encodings(headers: Mapping[str, Any]) -> None:
    """Nothing but plain UTF-8."""
    if headers.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("", "Send the body without Content-Encoding.")
    _, _, parameters = headers.get("CONTENT_TYPE", "").partition(";")
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2].partition(";")[0]
    if charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMediaType("", "Send JSON in UTF-8.")


class SafeJSONRenderer(JSONRenderer):
    """Renders whatever jobs have kept: half a surrogate pair as its escape, NaN and the infinities as text."""

    ensure_ascii = True

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        if data is None:
            return b""
        try:
            text = json.dumps(data, cls=self.encoder_class, allow_nan=False, separators=(",", ":"))
        except ValueError:
            text = json.dumps(_without_nan(data), cls=self.encoder_class, allow_nan=False, separators=(",", ":"))
        return text.encode("ascii")


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _without_nan(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
