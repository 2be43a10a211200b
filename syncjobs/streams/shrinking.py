"""Tells a whole source that is suddenly empty or half from a success, in the modes that delete nothing for it."""

from __future__ import annotations

from connectors.errors import DataError
from syncjobs.streams.guards import GuardDesk, has_halved
from syncjobs.streams.opening import OpenStream


def refuse_shrunken(stream: OpenStream, read: int) -> None:
    """Raise DataError where a complete reading gave too few records, by the type's guards or by half the last run's.

    What was read stays written: it adds and updates only. Mirrors and replacements have been held before that.
    """
    if not _is_whole(stream):
        return
    desk = GuardDesk(stream)
    least, share = desk.guards.get("min_source_rows"), desk.guards.get("min_source_share")
    last = desk.last_like_this()
    before = last.tally.read if last else 0
    if least is not None and read < least:
        raise _shrunken(stream, read, f"fewer than the guard min_source_rows of {least:,}", "min_source_rows")
    told = f"where job #{last.pk} had read {before:,}" if last else ""
    if share is not None and read < share * before:
        words = f"{told}: less than the share of {share:.4g} that the guard min_source_share asks for"
        raise _shrunken(stream, read, words, "min_source_share")
    if least is None and share is None and before and (not read or has_halved(read, before)):
        raise _shrunken(stream, read, told, "min_source_share" if read else "min_source_rows")


def _is_whole(stream: OpenStream) -> bool:
    """Whether the run was to read everything that there is."""
    spec = stream.spec
    is_part = spec.extent != "full" or spec.filters or spec.explicit_range
    return spec.mode in ("append", "upsert") and not is_part and not stream.is_replay


def _shrunken(stream: OpenStream, read: int, words: str, guard: str) -> DataError:
    gave = f"{read:,} records" if read else "no record"
    return DataError(
        "shrunken_source" if read else "empty_source",
        f"{stream.spec.source}: the source gave {gave}, {words}",
        hint=f"Look at the source. If it may have so few, set the guard {guard} of the type lower, as to 0.",
    )
