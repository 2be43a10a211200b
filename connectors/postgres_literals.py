"""Values within the text of a statement, for COPY, which takes no parameters. Right where both sides speak UTF8."""

from __future__ import annotations

import datetime as dt
from typing import Any

from connectors.sql_selects import Parameters
from connectors.sql_text import Column, SQLText, sql


class Literals(Parameters):
    """Instead of a placeholder each value stands in the statement itself."""

    def add(self, column: Column, value: Any) -> SQLText:
        return sql("{text}::{cast}", text=literal_of(value), cast=column.cast)


def literal_of(value: Any) -> SQLText:
    """A value as a quoted text in which nothing but letters, digits and a few harmless signs stands for itself."""
    return SQLText("E'" + "".join(map(_spelled, _text_of(value))) + "'")


def _text_of(value: Any) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


def _spelled(character: str) -> str:
    """No quote, backslash or colon is left, so that nobody who takes statements apart is misled."""
    if character.isascii() and (character.isalnum() or character in " -+.,_"):
        return character
    return f"\\U{ord(character):08x}"
