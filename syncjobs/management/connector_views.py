"""`connector streams` and `connector sample`: what a system has, as tables for people or one JSON object."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from django.core.management.base import OutputWrapper

from connectors.field_numbers import not_finite_name
from connectors.models import Connector
from connectors.sampling import StreamSample, list_streams, sample_stream

WIDEST = 30  # characters of a value in a table; --json shows all


def show_inside(out: OutputWrapper, connector: Connector, verb: str, options: dict[str, Any]) -> None:
    """Do `streams` or `sample`. Raises any SyncError."""
    if verb == "streams":
        found = list_streams(connector)
        if options["json"]:
            rows = [{"name": one.name, "kind": one.kind, "estimate": one.estimate} for one in found]
            out.write(json.dumps({"connector": connector.slug, "streams": rows}, indent=2))
        else:
            out.write(_table(("STREAM", "KIND", "ABOUT"), [(one.name, one.kind, one.estimate) for one in found]))
        return
    sample = sample_stream(connector, options["stream"], max(0, options["rows"]))
    if options["json"]:
        out.write(json.dumps(_as_json(connector, options["stream"], sample), indent=2))
    else:
        key = ", ".join(sample.schema.key) or "none"
        out.write(", ".join(f"{field.name} {field.type}" for field in sample.schema.fields) + f"; key: {key}")
        out.write(_table(sample.batch.names, sample.batch.rows))
        for place, unread in sample.batch.unread.items():
            out.write(f"Record {place + 1} cannot be read: {unread.reason}")


def _as_json(connector: Connector, stream: str, sample: StreamSample) -> dict[str, Any]:
    fields = [{"name": one.name, "type": one.type, "nullable": one.nullable} for one in sample.schema.fields]
    names = sample.batch.names
    unread = {place: one.reason for place, one in sample.batch.unread.items()}
    rows = [
        {"unread": unread[place]} if place in unread else dict(zip(names, map(_json_value, row), strict=True))
        for place, row in enumerate(sample.batch.rows)
    ]
    shape = {"connector": connector.slug, "stream": stream, "key": list(sample.schema.key)}
    return shape | {"fields": fields, "rows": rows}


def _json_value(value: Any) -> Any:
    """Decimals, dates, bytes, big integers and what is no number are texts in JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        return not_finite_name(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if value is None or isinstance(value, bool | float | str | dict | list):
        return value
    return value if isinstance(value, int) and abs(value) <= 2**53 else str(value)


def _table(heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [[_cell(value) for value in row] for row in [heading, *rows] if row]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heading))]
    padded = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def _cell(value: Any) -> str:
    """One line, cut where it is long, without what would move a terminal's cursor."""
    text = "-" if value is None else str(value[:WIDEST] if isinstance(value, bytes) else value)
    plain = "".join(letter if letter.isprintable() else " " for letter in text[: WIDEST + 1])
    return plain if len(plain) <= WIDEST else plain[: WIDEST - 1] + "…"
