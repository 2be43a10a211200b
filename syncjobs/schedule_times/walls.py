"""From what a clock on the wall shows to the moment that is meant."""

from __future__ import annotations

from datetime import UTC, datetime

from syncjobs.mapping.zones import find_zone


def moment_of(time: datetime, zone: str) -> datetime:
    """A time without a zone as one of this zone. ValueError where no clock there ever shows it."""
    place = find_zone(zone)
    if time.tzinfo is not None:
        return time
    moment = time.replace(tzinfo=place)
    if moment.astimezone(UTC).astimezone(place).replace(tzinfo=None) != time:
        raise ValueError(f"{time:%H:%M} is left out on that day in {zone}, where clocks go forward; choose another.")
    return moment
