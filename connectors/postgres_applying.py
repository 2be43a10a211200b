"""Makes given changes in a PostgreSQL table: connectors.sql_applying's steps on this kind's writer."""

from __future__ import annotations

from connectors.postgres_writer import PostgresWriter
from connectors.sql_applying import SQLApplying


class PostgresApplier(SQLApplying, PostgresWriter):
    """Nothing but the two together."""
