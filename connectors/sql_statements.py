"""The statements of a set-based merge, as text: dedupe, compare, show, insert, update, delete. Runs nothing.

A batch lies in a temporary table `stage` (seq, c0, c1 …, in the order of the request's fields). Comparing fills `diff`
(seq, is_insert, changed, row_id, m0 …, o0, o1 …): one row for each staged record that differs, with the old values of
the fields that do and bits that say which; where records are deleted, one row for each that is there, with all its
values. What is shown and what is written both come from there. `changed` is for those who judge changes made elsewhere.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from connectors.base import WriteRequest
from connectors.sql_masks import is_flagged, mask_names, masks_of
from connectors.sql_selects import ReadDialect
from connectors.sql_text import Column, SQLText, Table, joined, sql


class MergeDialect(ReadDialect):
    """Where the SQL systems differ in writing; who writes reads as well."""

    stage: ClassVar[SQLText]
    diff: ClassVar[SQLText]
    now: ClassVar[SQLText]
    overriding: ClassVar[SQLText] = SQLText("")
    row_lock: ClassVar[SQLText] = SQLText("")  # ends a SELECT over alias t whose rows are then held
    staged_id: ClassVar[SQLText | None] = None  # of alias s: finds a row of the stage; the diff keeps it, too

    @abstractmethod
    def mark(self, number: int) -> SQLText:
        """The placeholder of the statement's parameter with this number, from 1."""

    @abstractmethod
    def differs(self, column: Column, left: SQLText, right: SQLText) -> SQLText:
        """The condition that two values of the column's type are not the same, NULL being a value."""

    def typed_null(self, column: Column) -> SQLText:
        """A NULL of the column's type."""
        return sql("NULL")

    def widened(self, column: Column, expression: SQLText) -> SQLText:
        """A value in the column's type, which is a wider one."""
        return sql("CAST({value} AS {type})", value=expression, type=column.declared)

    def stored(self, column: Column, expression: SQLText) -> SQLText:
        """What is assigned to the column, so that the system refuses what it would cut off without a word."""
        return expression

    def marks(self, number: int) -> dict[str, SQLText]:
        """Placeholders p1, p2 … for `sql`."""
        return {f"p{one}": self.mark(one) for one in range(1, number + 1)}


def stage_name(place: int) -> SQLText:
    """The stage's column for the request's field at this place."""
    return SQLText(f"c{place}")


def old_name(place: int) -> SQLText:
    """The diff's column for the old value of that field."""
    return SQLText(f"o{place}")


class Merge:
    """Builds the statements for one request and one target table."""

    def __init__(self, request: WriteRequest, target: Table, dialect: MergeDialect) -> None:
        self.request, self.target, self.dialect = request, target, dialect
        self.columns = target.choose(field.name for field in request.fields)
        names = [field.name for field in request.fields]
        self.keys = tuple(names.index(name) for name in request.key)
        self.values = tuple(place for place in range(len(names)) if place not in self.keys)
        self.mask_names = mask_names(len(self.values))
        self._tables = {"stage": dialect.stage, "diff": dialect.diff, "target": target.sql}

    def remove_duplicates(self) -> SQLText:
        """Delete all staged records but the last of each key."""
        keys = [stage_name(place) for place in self.keys]
        return sql(
            "DELETE FROM {stage} WHERE seq IN (SELECT s.seq FROM {stage} AS s JOIN (SELECT {keys}, max(seq) AS last_seq"
            " FROM {stage} GROUP BY {keys} HAVING count(*) > 1) AS d ON {same} WHERE s.seq < d.last_seq)",
            **self._tables,
            keys=joined(keys),
            same=joined((sql("s.{key} = d.{key}", key=key) for key in keys), " AND "),
        )

    def fill_diff(self, narrowed_target: SQLText) -> SQLText:
        """Compare the stage with the target, given as a FROM item that holds at least the rows of the staged keys."""
        if self.request.mode == "delete":
            return self._find_present(narrowed_target)
        differing = {place: self._differs(place) for place in self.values}
        is_insert = sql("t.{key} IS NULL", key=self.columns[self.keys[0]].sql)
        old = [_when(condition, self._current(place)) for place, condition in differing.items()]
        masks = [_when(sql("NOT ({is_insert})", is_insert=is_insert), mask) for mask in masks_of([*differing.values()])]
        row_id = self.target.row_id or sql("NULL")
        return sql(
            "INSERT INTO {diff} SELECT {columns} FROM {stage} AS s LEFT JOIN {narrowed} AS t ON {same}"
            " WHERE {any_difference}",
            **self._tables,
            columns=joined([sql("s.seq"), is_insert, sql("NULL"), row_id, *self._staged_ids(), *masks, *old]),
            narrowed=narrowed_target,
            same=self.same_key(),
            any_difference=joined([is_insert, *differing.values()], " OR "),
        )

    def _find_present(self, narrowed_target: SQLText) -> SQLText:
        found = [sql("s.seq"), sql("1 = 0"), sql("NULL"), self.target.row_id or sql("NULL"), *self._staged_ids()]
        found += [sql("NULL") for _ in self.mask_names]
        return sql(
            "INSERT INTO {diff} SELECT {columns} FROM {stage} AS s JOIN {narrowed} AS t ON {same}",
            **self._tables,
            columns=joined([*found, *map(self._current, self.values)]),
            narrowed=narrowed_target,
            same=self.same_key(),
        )

    def _staged_ids(self) -> list[SQLText]:
        return [self.dialect.staged_id] if self.dialect.staged_id else []

    @property
    def same_staged(self) -> SQLText:
        """The condition that a row of the diff, alias d, is about a row of the stage, alias s."""
        return sql("{id} = d.staged_id", id=self.dialect.staged_id) if self.dialect.staged_id else sql("s.seq = d.seq")

    def count_diff(self) -> SQLText:
        """How many staged records are new and how many differ; one that meets several target rows counts once."""
        return sql(
            "SELECT count(CASE WHEN is_insert THEN 1 END), count(DISTINCT CASE WHEN NOT is_insert THEN seq END)"
            " FROM {diff}",
            **self._tables,
        )

    def empty_diff(self) -> SQLText:
        return sql("DELETE FROM {diff}", **self._tables)

    def staged_rows(self, places: Sequence[int], *, everything: bool) -> SQLText:
        """These fields of what is new (`everything`: of all that is staged), in order."""
        return sql(
            "SELECT {values} FROM {stage} AS s{chosen} ORDER BY s.seq",
            **self._tables,
            values=joined([sql("s.seq"), *(self._staged(place) for place in places)]),
            chosen=sql("") if everything else self._only_new(),
        )

    def staged_row(self) -> SQLText:
        """All fields of the staged record with one seq."""
        values = joined(self._staged(place) for place in range(len(self.columns)))
        marks = self.dialect.marks(1)
        return sql("SELECT {values} FROM {stage} AS s WHERE s.seq = {p1}", **self._tables, **marks, values=values)

    def staged_bounds(self) -> SQLText:
        """The first and the last seq."""
        return sql("SELECT min(seq), max(seq) FROM {stage}", **self._tables)

    def diff_rows(self) -> SQLText:
        """is_insert, the masks, the key, then of each other field the new and of each the old value, if it differs."""
        keys = [self._staged(place) for place in self.keys]
        new = [self._new_if_shown(place, number) for number, place in enumerate(self.values)]
        old = [self.dialect.shown(self.columns[place], sql("d.{old}", old=old_name(place))) for place in self.values]
        masks, wanted = [sql("d.{mask}", mask=mask) for mask in self.mask_names], [sql("1 = 0")]
        wanted += [sql("d.is_insert")] if self.request.insert_enabled else []
        wanted += [sql("NOT d.is_insert")] if self.changes_present else []
        return sql(
            "SELECT {columns} FROM {diff} AS d JOIN {stage} AS s ON {same_staged} WHERE {wanted} ORDER BY d.seq",
            **self._tables,
            same_staged=self.same_staged,
            columns=joined([sql("d.is_insert"), *masks, *keys, *new, *old]),
            wanted=joined(wanted, " OR "),
        )

    def insert(self, *, everything: bool) -> SQLText:
        """Insert what is new (`everything`: all that is staged) between two seqs."""
        return sql(
            "INSERT INTO {target} ({names}){overriding} SELECT {values} FROM {stage} AS s{chosen}"
            " WHERE s.seq BETWEEN {p1} AND {p2}",
            **self._tables,
            **self.dialect.marks(2),
            names=joined(column.sql for column in self.columns),
            overriding=self.dialect.overriding,
            values=joined(map(self._stored, range(len(self.columns)))),
            chosen=sql("") if everything else self._only_new(),
        )

    def _only_new(self) -> SQLText:
        return sql(" JOIN {diff} AS d ON {same} AND d.is_insert", **self._tables, same=self.same_staged)

    def update(self) -> SQLText:
        """Update what differs between two seqs, and only the fields that do: 1.50 stays 1.50 where 1.5 came."""
        same_row = sql(" AND {id} = d.row_id", id=self.target.row_id) if self.target.row_id else sql("")
        return sql(
            "UPDATE {target} AS t SET {values} FROM {diff} AS d JOIN {stage} AS s ON {same_staged}"
            " WHERE NOT d.is_insert AND {same}{same_row} AND d.seq BETWEEN {p1} AND {p2}",
            **self._tables,
            same_staged=self.same_staged,
            **self.dialect.marks(2),
            values=joined(self._assignment(place, number) for number, place in enumerate(self.values)),
            same=self.same_key(),
            same_row=same_row,
        )

    def delete(self) -> SQLText:
        """Delete the records found between two seqs."""
        pairs = [(self._current(place), sql("s.{new}", new=stage_name(place))) for place in self.keys]
        pairs += [(self.target.row_id, sql("d.row_id"))] if self.target.row_id else []
        return sql(
            "DELETE FROM {target} AS t WHERE ({current}) IN (SELECT {found} FROM {diff} AS d JOIN {stage} AS s"
            " ON {same_staged} WHERE d.seq BETWEEN {p1} AND {p2})",
            **self._tables,
            same_staged=self.same_staged,
            **self.dialect.marks(2),
            current=joined(current for current, _ in pairs),
            found=joined(found for _, found in pairs),
        )

    @property
    def changes_present(self) -> bool:
        """Whether records that the target has may be updated or, in mode delete, deleted."""
        return self.request.delete_enabled if self.request.mode == "delete" else self.request.update_enabled

    def same_key(self) -> SQLText:
        """The target's side comes first, so that its collation decides."""
        pairs = ((self._current(place), stage_name(place)) for place in self.keys)
        return joined((sql("{current} = s.{new}", current=current, new=new) for current, new in pairs), " AND ")

    def _current(self, place: int) -> SQLText:
        return sql("t.{column}", column=self.columns[place].sql)

    def _differs(self, place: int) -> SQLText:
        return self.dialect.differs(self.columns[place], sql("s.{new}", new=stage_name(place)), self._current(place))

    def _staged(self, place: int) -> SQLText:
        return self.dialect.shown(self.columns[place], sql("s.{new}", new=stage_name(place)))

    def _stored(self, place: int) -> SQLText:
        return self.dialect.stored(self.columns[place], sql("s.{new}", new=stage_name(place)))

    def _new_if_shown(self, place: int, number: int) -> SQLText:
        condition = is_flagged(number)
        if self.request.keep_insert_values:
            condition = sql("d.is_insert OR {flagged}", flagged=condition)
        return _when(condition, self._staged(place))

    def _assignment(self, place: int, number: int) -> SQLText:
        value = _when(is_flagged(number), self._stored(place), self._current(place))
        return sql("{column} = {value}", column=self.columns[place].sql, value=value)


def _when(condition: SQLText, then: SQLText, otherwise: SQLText | None = None) -> SQLText:
    return sql("CASE WHEN {a} THEN {b} ELSE {c} END", a=condition, b=then, c=otherwise or sql("NULL"))
