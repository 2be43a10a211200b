"""How many records the server expects, by its statistics and without looking at them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from connectors.postgres_dialect import PostgresDialect
from connectors.postgres_session import Session
from connectors.records import Filter
from connectors.sql_selects import Parameters, where
from connectors.sql_text import SQLText, Table, joined, sql

HAS_STATISTICS = sql("SELECT reltuples >= 0 AND relkind = 'r' FROM pg_class WHERE oid = to_regclass($1)")


def planned_rows(session: Session, table: Table, filters: Sequence[Filter] = ()) -> int | None:
    """Of a table; None of a view or query, and where nobody has looked at the table yet."""
    parameters = Parameters(PostgresDialect())
    return planned_by(session, table, where(table, filters, parameters), parameters)


def planned_by(session: Session, table: Table, conditions: Sequence[SQLText], parameters: Parameters) -> int | None:
    """The same by conditions over alias t."""
    if table.query or session.fetch(HAS_STATISTICS, (str(table.sql),)) != [(True,)]:
        return None
    wanted = joined([sql("true"), *conditions], " AND ")
    query = sql("EXPLAIN (FORMAT JSON) SELECT FROM {table} AS t WHERE {all}", table=table.sql, all=wanted)
    return rows_of_plan(session.fetch(query, parameters.values))


def rows_of_plan(answer: list[tuple[Any, ...]]) -> int:
    """What EXPLAIN said of all that comes out."""
    ((found,),) = answer
    (planned,) = json.loads(found) if isinstance(found, str) else found
    return int(planned["Plan"]["Plan Rows"])
