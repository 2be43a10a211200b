"""Time zones by name."""

from __future__ import annotations

import zoneinfo


def find_zone(name: str) -> zoneinfo.ZoneInfo:
    """The zone of the tz database with this name; ValueError says that there is none."""
    try:
        if name:
            return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError(f"there is no time zone {name[:60]!r}; write one such as Europe/Berlin or UTC")
