"""The records of a connector's stream as documents, to be read and to be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.errors import ConfigError
from syncjobs.controllers.base import JobHandle
from syncjobs.documents.record_reading import RecordReader
from syncjobs.documents.record_sessions import PlannedSession, RecordSession


class RecordStore(RecordReader):
    """The documents of type `slug/stream`."""

    @contextmanager
    def session(self, sync_job: JobHandle) -> Iterator[PlannedSession | RecordSession]:
        """One transaction at the target; ConfigError where the kind can only be read from."""
        self._refuse_read_only()
        session = PlannedSession(self, sync_job) if sync_job.dry_run else RecordSession(self, sync_job)
        try:
            session.begin()
            yield session
        finally:
            session.leave()

    def _refuse_read_only(self) -> None:
        connector = self.connector
        if not connector.capabilities.writes:
            raise ConfigError(
                "read_only_kind",
                f"{self.document_type} cannot be written: connectors of kind '{connector.kind}' are only read",
                hint="Name a target document type whose connector can be written to.",
            )
