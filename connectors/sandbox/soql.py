"""The parts a SoQL query is made of, as dev.socrata.com describes the language. Only data: no parsing, no SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Literal:
    value: str | int | float | bool | None


@dataclass(frozen=True)
class ColumnName:
    name: str


@dataclass(frozen=True)
class Comparison:
    """`operator` is one of = != < <= > >=."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Logical:
    """`operator` is AND or OR."""

    operator: str
    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Not:
    part: Expression


@dataclass(frozen=True)
class InList:
    part: Expression
    options: tuple[Expression, ...]


@dataclass(frozen=True)
class Between:
    part: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True)
class Like:
    part: Expression
    pattern: str


@dataclass(frozen=True)
class IsNull:
    part: Expression


Expression: TypeAlias = Literal | ColumnName | Comparison | Logical | Not | InList | Between | Like | IsNull


@dataclass(frozen=True)
class Selected:
    """One item of $select: a column, `*`, `:*`, or an aggregate (then `column` is None for count(*))."""

    column: str | None
    function: str | None = None
    alias: str | None = None


@dataclass(frozen=True)
class Ordering:
    column: str
    descending: bool


@dataclass(frozen=True)
class Query:
    """What one request asks of a dataset; without `limit` the protocol's own."""

    items: tuple[Selected, ...]
    where: Expression | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
