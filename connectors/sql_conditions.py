"""The statements that judge staged changes by the target's records and make those that fit, as text. Runs nothing.

The stage has for each column of the target one of the new and, as far behind it as the target has columns, one of the
expected value, then the operation and a text of 0 and 1 that says which columns the change speaks of. Judging fills
`diff.changed` with one letter for each change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from connectors.base import WriteRequest
from connectors.records import Field
from connectors.sql_statements import Merge, MergeDialect, stage_name
from connectors.sql_text import Column, SQLText, Table, joined, sql

WRITE, DONE, EXISTS, GONE, CHANGED = "wdegc"
"""The letters: to be made, already so, and the three conflicts."""
TEXT = SQLText("text")


class ConditionalMerge(Merge):
    """Builds the statements for one request and one target table. Places are those of the target's columns."""

    def __init__(self, request: WriteRequest, target: Table, dialect: MergeDialect) -> None:
        self.width = len(target.columns)
        self.places = {name: place for place, name in enumerate(target.names)}
        own = tuple(Column(Field(name, "text"), TEXT, TEXT, "text") for name in ("operation", "flags"))
        columns = (*target.columns, *target.columns, *own)
        whole = replace(request, fields=tuple(map(_staged_field, columns)))
        super().__init__(whole, replace(target, columns=(*target.columns, *own)), dialect)
        self.columns = columns
        self.operation, self.flags = (sql("s.{it}", it=stage_name(2 * self.width + one)) for one in (0, 1))

    def lock(self) -> SQLText:
        """Hold the target's records of all staged keys until the transaction ends."""
        return sql(
            "SELECT count(*) FROM (SELECT 1 FROM {stage} AS s JOIN {target} AS t ON {same}{lock}) AS locked",
            **self._tables,
            same=self.same_key(),
            lock=self.dialect.row_lock,
        )

    def judge(self, narrowed_target: SQLText, touched: Collection[int]) -> SQLText:
        """Fill the diff. `touched` are the places that any staged change speaks of."""
        moved = self._any_differs(touched, self.width)
        unlike = self._any_differs(touched, 0)
        there = sql("t.{key} IS NOT NULL", key=self.columns[self.keys[0]].sql)
        verdict = sql(
            "CASE WHEN {operation} = 'insert' THEN CASE WHEN NOT ({there}) THEN 'w' WHEN {unlike} THEN 'e' ELSE 'd' END"
            " WHEN NOT ({there}) THEN CASE WHEN {operation} = 'delete' THEN 'd' ELSE 'g' END"
            " WHEN NOT ({moved}) THEN 'w'"
            " WHEN {operation} = 'update' AND NOT ({unlike}) THEN 'd' ELSE 'c' END",
            operation=self.operation,
            there=there,
            moved=moved,
            unlike=unlike,
        )
        return sql(
            "INSERT INTO {diff} (seq, is_insert, changed, row_id{also})"
            " SELECT s.seq, NOT ({there}), {verdict}, {row_id}{id}"
            " FROM {stage} AS s LEFT JOIN {narrowed} AS t ON {same}",
            **self._tables,
            there=there,
            verdict=verdict,
            row_id=self.target.row_id or sql("NULL"),
            also=sql(", staged_id") if self.dialect.staged_id else sql(""),
            id=sql(", {id}", id=self.dialect.staged_id) if self.dialect.staged_id else sql(""),
            narrowed=narrowed_target,
            same=self.same_key(),
        )

    def refuse_ambiguous(self) -> SQLText:
        """A change whose key several records have is a conflict with all of them."""
        return sql(
            "UPDATE {diff} SET changed = 'c' WHERE seq IN (SELECT seq FROM {diff} GROUP BY seq HAVING count(*) > 1)",
            **self._tables,
        )

    def verdicts(self) -> SQLText:
        """The letter of each staged change, in their order."""
        return sql(
            "SELECT s.seq, min(d.changed), count(*) FROM {stage} AS s JOIN {diff} AS d ON d.seq = s.seq"
            " GROUP BY s.seq ORDER BY s.seq",
            **self._tables,
        )

    def found_values(self, places: Sequence[int]) -> SQLText:
        """seq, then for each place whether it differs from what is expected, then the target's values: of conflicts."""
        differing = (
            sql("CASE WHEN {flagged} AND {differs} THEN 1 ELSE 0 END", flagged=self._is_flagged(one), differs=differs)
            for one in places
            for differs in [self._differs_from_wish(one)]
        )
        values = (self.dialect.shown(self.columns[one], self._current(one)) for one in places)
        return sql(
            "SELECT {columns} FROM {diff} AS d JOIN {stage} AS s ON s.seq = d.seq JOIN {target} AS t ON {same}"
            " WHERE d.changed IN ('c', 'e') ORDER BY s.seq",
            **self._tables,
            columns=joined([sql("s.seq"), *differing, *values]),
            same=self.same_key(),
        )

    def insert_wanted(self, places: Iterable[int]) -> SQLText:
        """Insert the new records between two seqs, of these fields; the target gives the others their defaults."""
        wanted = [*self.keys, *(one for one in places if one not in self.keys)]
        return sql(
            "INSERT INTO {target} ({names}){overriding} SELECT {values} FROM {stage} AS s JOIN {diff} AS d"
            " ON d.seq = s.seq WHERE {mine}",
            **self._tables,
            names=joined(self.columns[one].sql for one in wanted),
            overriding=self.dialect.overriding,
            values=joined(map(self._stored, wanted)),
            mine=self._to_be_made("insert"),
        )

    def update_wanted(self, places: Iterable[int]) -> SQLText:
        """Update records between two seqs, each only in the fields that its change speaks of, at most these."""
        values = joined(
            sql(
                "{column} = CASE WHEN {flagged} THEN {new} ELSE {current} END",
                column=self.columns[one].sql,
                flagged=self._is_flagged(one),
                new=self._stored(one),
                current=self._current(one),
            )
            for one in places
        )
        return sql(
            "UPDATE {target} AS t SET {values} FROM {diff} AS d JOIN {stage} AS s ON s.seq = d.seq"
            " WHERE {mine} AND {same}",
            **self._tables,
            values=values,
            mine=self._to_be_made("update"),
            same=self.same_key(),
        )

    def delete_wanted(self) -> SQLText:
        """Delete records between two seqs."""
        return sql(
            "DELETE FROM {target} AS t WHERE ({current}) IN (SELECT {found} FROM {diff} AS d JOIN {stage} AS s"
            " ON s.seq = d.seq WHERE {mine})",
            **self._tables,
            current=joined(self._current(one) for one in self.keys),
            found=joined(sql("s.{key}", key=stage_name(one)) for one in self.keys),
            mine=self._to_be_made("delete"),
        )

    def _to_be_made(self, operation: str) -> SQLText:
        return sql(
            "d.changed = 'w' AND {staged} = '{operation}' AND s.seq BETWEEN {p1} AND {p2}",
            **self.dialect.marks(2),
            staged=self.operation,
            operation=SQLText(operation),
        )

    def _any_differs(self, places: Collection[int], offset: int) -> SQLText:
        """Whether a record differs in a field of the change: from what is expected, or (offset 0) from what is new."""
        conditions = [
            sql("({flagged} AND {differs})", flagged=self._is_flagged(one), differs=self._differs_at(one, offset))
            for one in places
        ]
        return joined(conditions, " OR ") if conditions else sql("1 = 0")

    def _differs_at(self, place: int, offset: int) -> SQLText:
        staged = sql("s.{name}", name=stage_name(place + offset))
        return self.dialect.differs(self.columns[place], staged, self._current(place))

    def _differs_from_wish(self, place: int) -> SQLText:
        return sql(
            "CASE WHEN {operation} = 'insert' THEN {unlike} ELSE {moved} END",
            operation=self.operation,
            unlike=self._differs_at(place, 0),
            moved=self._differs_at(place, self.width),
        )

    def _is_flagged(self, place: int) -> SQLText:
        return sql("substr({flags}, {number}, 1) = '1'", flags=self.flags, number=SQLText(str(place + 1)))


def _staged_field(column: Column) -> Field:
    """As what its values are staged: arrays are shown as JSON, but the driver takes them as lists."""
    return replace(column.field, type="text") if column.native == "array" else column.field
