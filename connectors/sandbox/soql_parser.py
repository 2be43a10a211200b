"""Reads SoQL text into its parts by recursive descent.

It knows neither columns nor SQL: whatever it accepts is still only names and values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from connectors.sandbox.errors import SodaError, malformed_query
from connectors.sandbox.soql import (
    Between,
    ColumnName,
    Comparison,
    Expression,
    InList,
    IsNull,
    Like,
    Literal,
    Logical,
    Not,
    Ordering,
    Query,
    Selected,
)
from connectors.sandbox.soql_tokens import Token, tokenize

COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
WORD_VALUES: dict[str, bool | None] = {"true": True, "false": False, "null": None}
RESERVED = {"and", "or", "not", "in", "like", "is", "between", "as", "asc", "desc", *WORD_VALUES}
AGGREGATES = {"count", "max", "min", "sum", "avg"}
# Far above real use, and below what SQLite's parser (100 symbols waiting) and its trees (1,000 levels) can take.
DEEPEST = 10
MOST_CONDITIONS = 500

Parsed = TypeVar("Parsed")


def parse_where(text: str) -> Expression:
    """The condition of $where. Raises SodaError (400) naming the position of what does not belong."""
    return _whole(text, Parser.condition)


def parse_select(text: str) -> tuple[Selected, ...]:
    """The items of $select in their order. Raises SodaError (400)."""
    return _whole(text, lambda parser: parser.listed(parser.selected))


def parse_order(text: str) -> tuple[Ordering, ...]:
    """The columns of $order with their direction. Raises SodaError (400)."""
    return _whole(text, lambda parser: parser.listed(parser.ordering))


def parse_statement(text: str) -> Query:
    """A whole SELECT of SODA 3. Raises SodaError (400)."""
    return _whole(text, Parser.statement)


def _whole(text: str, rule: Callable[[Parser], Parsed]) -> Parsed:
    parser = Parser(text)
    parsed = rule(parser)
    if parser.token.kind != "end":
        raise parser.unexpected("the end")
    return parsed


class Parser:
    """One pass over one clause; `token` is the next one to read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokenize(text)
        self._depth = 0
        self._joined_so_far = 0
        self.token = next(self._tokens)

    # Tokens

    def take(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.token = next(self._tokens)
        return token

    def take_if(self, *texts: str) -> bool:
        found = (self.token.text if self.token.kind == "symbol" else self.token.word) in texts
        if found:
            self.take()
        return found

    def expect(self, text: str) -> None:
        if not self.take_if(text):
            raise self.unexpected(repr(text))

    def unexpected(self, wanted: str) -> SodaError:
        found = repr(self.token.text) if self.token.text else "the end"
        return malformed_query(
            f"expected {wanted} but found {found} at position {self.token.position + 1} of {self.text!r}"
        )

    def listed(self, rule: Callable[[], Parsed]) -> tuple[Parsed, ...]:
        items = [rule()]
        while self.take_if(","):
            items.append(rule())
        return tuple(items)

    def statement(self) -> Query:
        self.expect("select")
        items = self.listed(self.selected)
        where = self.condition() if self.take_if("where") else None
        order: tuple[Ordering, ...] = ()
        if self.take_if("order"):
            self.expect("by")
            order = self.listed(self.ordering)
        limit = self._count() if self.take_if("limit") else None
        return Query(items, where, order, limit, self._count() if self.take_if("offset") else 0)

    def _count(self) -> int:
        number = self._number()
        if not isinstance(number, int):
            raise malformed_query(f"{number} is no number of rows")
        return number

    # Conditions, loosest binding first

    def condition(self) -> Expression:
        return self._joined("OR", lambda: self._joined("AND", self._negation))

    def _joined(self, operator: str, rule: Callable[[], Expression]) -> Expression:
        parts = [rule()]
        while self.take_if(operator.lower()):
            parts.append(rule())
        self._joined_so_far += len(parts) - 1
        if self._joined_so_far > MOST_CONDITIONS:
            raise malformed_query(f"more than {MOST_CONDITIONS} conditions joined by AND and OR")
        return parts[0] if len(parts) == 1 else Logical(operator, tuple(parts))

    def _negation(self) -> Expression:
        if self.take_if("not"):
            return Not(self._deeper(self._negation))
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._operand()
        if self.token.kind == "symbol" and self.token.text in COMPARISONS:
            return Comparison(COMPARISONS[self.take().text], left, self._operand())
        if self.take_if("is"):
            return self._null_test(left)
        negated = self.take_if("not")
        test = self._word_test(left)
        if test is None:
            if negated:
                raise self.unexpected("IN, LIKE or BETWEEN")
            return left
        return Not(test) if negated else test

    def _null_test(self, left: Expression) -> Expression:
        negated = self.take_if("not")
        self.expect("null")
        return Not(IsNull(left)) if negated else IsNull(left)

    def _word_test(self, left: Expression) -> Expression | None:
        if self.take_if("in"):
            self.expect("(")
            options = self.listed(self._operand)
            self.expect(")")
            return InList(left, options)
        if self.take_if("like"):
            if self.token.kind != "string":
                raise self.unexpected("a text in quotes")
            return Like(left, unquoted(self.take().text))
        if self.take_if("between"):
            low = self._operand()
            self.expect("and")
            return Between(left, low, self._operand())
        return None

    def _operand(self) -> Expression:
        if self.take_if("("):
            inner = self._deeper(self.condition)
            self.expect(")")
            return inner
        if self.take_if("-"):
            return Literal(-self._number())
        if self.token.kind == "number":
            return Literal(self._number())
        if self.token.kind == "string":
            return Literal(unquoted(self.take().text))
        if self.token.word in WORD_VALUES:
            return Literal(WORD_VALUES[self.take().word])
        return ColumnName(self.column())

    def _deeper(self, rule: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise malformed_query(f"more than {DEEPEST} levels of parentheses and NOT")
        inner = rule()
        self._depth -= 1
        return inner

    def _number(self) -> int | float:
        if self.token.kind != "number":
            raise self.unexpected("a number")
        text = self.take().text
        # A double holds what SQLite cannot hold as an integer; Python refuses texts of thousands of digits.
        return int(text) if text.isdigit() and len(text) < 19 else float(text)

    # Names, $select and $order

    def column(self) -> str:
        if self.token.kind == "quoted":
            return self.take().text[1:-1]
        if self.token.kind != "name" or self.token.word in RESERVED:
            raise self.unexpected("a column")
        return self.take().word  # Socrata's field names are lower case and are found in any case.

    def selected(self) -> Selected:
        if self.token.text in ("*", ":*"):
            return Selected(self.take().text)
        name = self.column()
        function: str | None = None
        column: str | None = name
        if name in AGGREGATES and self.take_if("("):
            function = name
            column = None if name == "count" and self.take_if("*") else self.column()
            self.expect(")")
        return Selected(column, function, self.column() if self.take_if("as") else None)

    def ordering(self) -> Ordering:
        column = self.column()
        descending = self.take_if("desc")
        if not descending:
            self.take_if("asc")
        return Ordering(column, descending)


def unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")
