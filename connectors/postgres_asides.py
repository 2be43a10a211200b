"""The tables beside a PostgreSQL target that mirrors and replacements need: what connectors.sql leaves to the kind."""

from __future__ import annotations

from abc import abstractmethod

from connectors.asides import ASIDE_PREFIXES
from connectors.postgres_dialect import HAS_EQUALITY, find_table
from connectors.postgres_joins import PostgresJoins
from connectors.postgres_session import Session
from connectors.sql_text import Column, SQLText, Table, joined, quote, sql


class PostgresAsides(PostgresJoins):
    """Asides lie in the connector's schema."""

    schema: str

    @property
    @abstractmethod
    def session(self) -> Session:
        """The open connection."""

    def find_aside(self, name: str) -> Table | None:
        return find_table(self.session, self.schema, name)

    def aside_names(self) -> list[str]:
        query = sql(
            "SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = $1 AND c.relkind = 'r' AND (starts_with(c.relname, $2) OR starts_with(c.relname, $3))"
            " ORDER BY c.relname"
        )
        return [name for (name,) in self.fetch(query, (self.schema, *ASIDE_PREFIXES.values()))]

    def aside_name(self, name: str) -> SQLText:
        schema = sql("pg_temp") if self.request.dry_run else quote(self.schema)
        return sql("{schema}.{name}", schema=schema, name=quote(name))

    def create_load(self, name: SQLText, target: Table) -> None:
        """With the target's checks and unique indexes, so that what breaks them is named with its batch."""
        written = {field.name for field in self.request.fields}
        statements = [
            sql(
                "CREATE TABLE {name} (LIKE {target} INCLUDING CONSTRAINTS INCLUDING INDEXES)",
                name=name,
                target=target.sql,
            ),
            *(
                sql("ALTER TABLE {name} DROP COLUMN {column}", name=name, column=column.sql)
                for column in target.columns
                if column.name not in written
            ),
        ]
        if self.request.key and not target.has_unique(self.request.key):
            key = joined(quote(field) for field in self.request.key)
            statements.append(sql("CREATE INDEX ON {name} ({key})", name=name, key=key))
        try:
            for statement in (sql("BEGIN"), *statements, sql("COMMIT")):
                self.execute(statement)
        except BaseException:
            self.end_transaction(commit=False)
            raise

    def referring_tables(self, target: Table) -> list[str]:
        query = sql(
            "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conparentid = 0"
            " AND confrelid = to_regclass($1) AND conrelid <> confrelid ORDER BY 1"
        )
        return [name for (name,) in self.fetch(query, (target.sql,))]

    def distinct(self, column: Column, expression: SQLText) -> SQLText:
        if column.native == "json":
            return sql("{value}::jsonb", value=expression)
        return expression if column.native in HAS_EQUALITY else sql("{value}::text", value=expression)

    def lock_target(self, target: Table) -> None:
        self.execute(sql("LOCK TABLE {target} IN SHARE ROW EXCLUSIVE MODE", target=target.sql))
