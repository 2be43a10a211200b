"""Makes given changes in a PostgreSQL table: what connectors.sql_applying leaves to the kind."""

from __future__ import annotations

from connectors.postgres_writer import PostgresWriter
from connectors.sql_applying import SQLApplying
from connectors.sql_text import sql

GENERATED = sql("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attgenerated <> ''")


class PostgresApplier(SQLApplying, PostgresWriter):
    """On a connection of its own."""

    def computed_columns(self) -> list[str]:
        return [name for (name,) in self.fetch(GENERATED, (self.merge.target.sql,))]

    def after_judging(self) -> None:
        """Without its statistics the server takes a new temporary table for tiny, and joins it row by row."""
        stage, diff = self.dialect.stage, self.dialect.diff
        self.execute(sql("ANALYZE {stage} (seq), {diff} (seq, changed)", stage=stage, diff=diff))
