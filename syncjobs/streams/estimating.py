"""About how many records there are to read: for the progress bar only, so within seconds or not at all."""

from __future__ import annotations

import threading

from connectors.errors import Interrupted, SyncError
from connectors.surroundings import Interruption, Surroundings
from syncjobs.streams.incremental import filters_of
from syncjobs.streams.opening import OpenStream

PATIENCE_SECONDS = 2.0


def estimate_records(stream: OpenStream) -> int | None:
    """What the source expects, else its count, by a connection that is interrupted after PATIENCE_SECONDS."""
    expected = stream.source.estimate(stream.spec.source, filters_of(stream.request))
    return _count(stream) if expected is None else expected


def _count(stream: OpenStream) -> int | None:
    limit = Interruption()
    timer = threading.Timer(PATIENCE_SECONDS, limit.request, ("took too long",))
    timer.start()
    counter = stream.open_source(Surroundings(limit))
    try:
        return counter.count(stream.spec.source, filters_of(stream.request))
    except (SyncError, Interrupted):
        return None  # not worth a failure: if something is wrong, reading will say what
    finally:
        timer.cancel()
        counter.close()
