"""How a staged batch is joined with its target: all at once, or key by key where it has few of the target's records.

The server's own costs choose badly: on PostgreSQL 15, 10,000 staged texts out of 300,000 records take 188 ms by a hash
join, 33 ms one by one through the index, so that they break even near four records for each that is staged.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from connectors.postgres_dialect import HAS_MINIMUM, INTEGERS
from connectors.postgres_estimates import rows_of_plan
from connectors.postgres_literals import literal_of
from connectors.sql_replacing import SQLReplacing
from connectors.sql_statements import Merge, stage_name
from connectors.sql_text import SQLText, joined, quote, sql

SPARSE = 8  # of the target's records in the range of the staged keys, for each that is staged
KEY_BY_KEY = sql("SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)")
AS_EVER = sql("SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)")


class PostgresJoins(SQLReplacing):
    """Asks the planner how many records lie in the range, and tells it how to find them."""

    ranges: Mapping[str, tuple[int | None, int]] = MappingProxyType({})  # of staged fields, as far as it is known

    def prepare(self) -> bool:
        is_empty = super().prepare()
        if not is_empty and not self.request.dry_run and self.request.mode != "append":
            self._see_to_statistics()
        return is_empty

    def _see_to_statistics(self) -> None:
        """Of a table that nobody has analyzed yet, the server has no idea how many records lie in a range of keys."""
        table = self.planned_target().sql
        query = sql("SELECT reltuples < 0 AND relkind = 'r' FROM pg_class WHERE oid = to_regclass($1)")
        if self.fetch(query, (str(table),)) == [(True,)]:
            keys = joined(quote(name) for name in self.request.key)
            self.execute(sql("ANALYZE {table} ({keys})", table=table, keys=keys))

    def narrowed_target(self, merge: Merge) -> SQLText:
        """Only the range of the staged keys, which an index finds; the planner is told its bounds."""
        first, target = merge.columns[merge.keys[0]], merge.target
        if target.row_id is None or first.native not in HAS_MINIMUM or not target.has_unique(self.request.key):
            return target.sql
        least, most = self._range_of(merge)
        if most is None:
            return target.sql
        bounds = [(sql(">="), least), (sql("<="), most)]
        conditions = [
            sql("r.{key} {sign} {end}::{type}", key=first.sql, sign=sign, end=literal_of(end), type=first.cast)
            for sign, end in bounds
            if end is not None
        ]
        return sql(
            "(SELECT r.*, r.ctid FROM {target} AS r WHERE {all})", target=target.sql, all=joined(conditions, " AND ")
        )

    def _range_of(self, merge: Merge) -> tuple[Any, Any]:
        """The least and the greatest staged value, or what lies beyond them; None where there is no end."""
        place, column = merge.keys[0], merge.columns[merge.keys[0]]
        if column.native in INTEGERS and column.field.name in self.ranges:
            return self.ranges[column.field.name]
        ends = sql(
            "SELECT min({key})::text, max({key})::text FROM {stage}", key=stage_name(place), stage=merge.dialect.stage
        )
        least, most = self.fetch(ends)[0]
        return least, most

    def fill_diff(self) -> None:
        narrowed = self.narrowed_target(self.merge)
        is_sparse = self._is_sparse(narrowed)
        if is_sparse:
            self.fetch(KEY_BY_KEY)
        self.execute(self.merge.fill_diff(narrowed))
        if is_sparse:
            self.fetch(AS_EVER)

    def _is_sparse(self, narrowed: SQLText) -> bool:
        if not self.merge.target.has_unique(self.request.key):
            return False
        plan = self.fetch(sql("EXPLAIN (FORMAT JSON) SELECT FROM {narrowed} AS t", narrowed=narrowed))
        return self.staged * SPARSE < rows_of_plan(plan)
