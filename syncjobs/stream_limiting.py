"""Limits a stream sync's configuration to one run: its streams, its dates, its batch size. Knows no clock."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from connectors.records import Filter
from syncjobs.date_ranges import range_filters, window_start
from syncjobs.mapping.problems import list_words, quote
from syncjobs.stream_parsing import parse_streams
from syncjobs.stream_specs import SpecProblems, StreamSpec

NO_MATTER_WHEN = datetime(2000, 1, 1, tzinfo=UTC)  # an explicit range does not look at the clock


def window_filters(spec: StreamSpec, now: datetime, zone: tzinfo) -> tuple[Filter, ...]:
    """The conditions that the explicit range, else the window extent, adds to spec.filters; times are in `zone`.

    Raises SpecProblems where the range ends before it starts.
    """
    if spec.explicit_range is not None:
        try:
            return range_filters(spec.explicit_range, zone)
        except ValueError as error:
            raise SpecProblems([f"{spec.source}: {error}"]) from error
    if spec.extent == "window" and spec.window is not None:
        return (Filter(spec.window.field, "ge", window_start(spec.window, now, zone)),)
    return ()


def limit_streams(
    config: dict[str, Any],
    endpoints: Sequence[str] | None = None,
    start: str | None = None,
    end: str | None = None,
    batch_size: int | None = None,
    *,
    zone: tzinfo = UTC,
    now: datetime | None = None,
) -> dict[str, Any]:
    """A new config with only the streams whose source is among `endpoints` (None = all), the range and the batch size.

    Raises SpecProblems for an unknown endpoint (with the list), a bad date or batch size, a range on a stream without a
    window field, a range that ends before it starts or (given `now`) starts in the future. Times without a zone are in
    `zone`.
    """
    parse_streams(config)
    chosen = copy.deepcopy(_choose(config["streams"], endpoints))
    for data in chosen:
        if start is not None or end is not None:
            field = (data.get("window") or data.get("range") or {}).get("field")
            data["range"] = {**({"field": field} if field else {}), "start": start, "end": end}
        if batch_size is not None:
            data["batch_size"] = batch_size
    limited = {**config, "streams": chosen}
    for spec in parse_streams(limited):
        for found in window_filters(spec, NO_MATTER_WHEN, zone) if spec.explicit_range else ():
            if now is not None and found.operator == "ge" and found.value > now:
                raise SpecProblems([f"{spec.source}: the range starts in the future, at {start}"])
    return limited


def _choose(streams: list[dict[str, Any]], endpoints: Sequence[str] | None) -> list[dict[str, Any]]:
    if endpoints is None:
        return streams
    sources = [data["source"] for data in streams]
    unknown = [name for name in endpoints if name not in sources]
    if unknown or not endpoints:
        what = f"{quote(unknown[0])} is not one of this type's streams" if unknown else "name at least one stream"
        raise SpecProblems([f"endpoints: {what}; choose from {list_words(sources, 'and')}"])
    return [data for data in streams if data["source"] in endpoints]
