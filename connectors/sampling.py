"""A person's look into a system: which streams it has, what one is made of, and its first records. Bounded in time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from connectors import base
from connectors.errors import ConfigError, Interrupted, SyncError, TransientError
from connectors.models import Connector
from connectors.records import Batch, ReadRequest, StreamInfo, StreamSchema
from connectors.surroundings import Interruption, Surroundings

LOOK_SECONDS = 15.0
SAMPLE_ROWS, MOST_SAMPLE_ROWS = 20, 200

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StreamSample:
    """What a stream is made of and its first records; no records where only the schema was asked for."""

    schema: StreamSchema
    batch: Batch


def list_streams(row: Connector, *, seconds: float = LOOK_SECONDS) -> list[StreamInfo]:
    """Everything that can be read or written, by name. Raises any SyncError, TransientError `look_timeout` too."""
    with telling_bugs(row), opened_for(row, seconds, "the list of streams") as runtime:
        return sorted(runtime.streams(), key=lambda info: info.name)


def sample_stream(
    row: Connector, stream: str, rows: int = SAMPLE_ROWS, *, seconds: float = LOOK_SECONDS
) -> StreamSample:
    """The schema and the first records, at most MOST_SAMPLE_ROWS; 0 rows read the schema only. Raises any SyncError."""
    with telling_bugs(row), opened_for(row, seconds, f"the first records of {stream[:100]}") as runtime:
        schema = runtime.schema(stream)
        if not rows:
            return StreamSample(schema, Batch(schema.names, [], None))
        size = min(rows, MOST_SAMPLE_ROWS)
        return StreamSample(schema, first_batch(runtime, ReadRequest(stream, key=schema.key, batch_size=size)))


def first_batch(runtime: base.Connector, request: ReadRequest) -> Batch:
    """At most `batch_size` records, also where more come with the last one; one that cannot be read spoils no other."""
    for batch in runtime.read(replace(request, sets_aside=True)):
        unread = {place: why for place, why in batch.unread.items() if place < request.batch_size}
        return replace(batch, rows=batch.rows[: request.batch_size], unread=unread)
    return Batch(request.columns or (), [], None)


@contextmanager
def opened_for(
    row: Connector, seconds: float, what: str, *, code: str = "look_timeout", hint: str = "Test the connection."
) -> Iterator[base.Connector]:
    """The runtime connector for so long; then whatever it waits for is ended by a TransientError about `what`."""
    interruption, told = Interruption(), [""]
    timer = threading.Timer(seconds, interruption.request, [f"{what} took too long"])
    surroundings = Surroundings(interruption, lambda _level, message: told.append(f": {message}"), is_patient=False)
    runtime = row.open(surroundings)
    timer.start()
    try:
        yield runtime
    except Interrupted as reason:
        message = f"{row.slug}: {what} did not come within {seconds:g} seconds{told[-1]}"
        raise TransientError(code, message, hint=hint) from reason
    finally:
        timer.cancel()
        runtime.close()


@contextmanager
def telling_bugs(row: Connector) -> Iterator[None]:
    """Kinds come from other packages, too: what one raises that is no SyncError becomes one, and goes to the log."""
    try:
        yield
    except SyncError:
        raise
    except Exception as bug:
        logger.exception("Looking into %s broke off.", row.slug)
        raise ConfigError(
            "kind_has_a_bug", f"the kind '{row.kind}' has a bug", hint="The log of this process says more."
        ) from bug
