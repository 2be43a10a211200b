"""Cuts SoQL text into tokens. It knows words, numbers and signs, not what they mean together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.sandbox.errors import malformed_query

TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<string>'(?:[^']|'')*')
    |(?P<quoted>`[^`]+`)
    |(?P<name>:?[A-Za-z_][A-Za-z0-9_]*)
    |(?P<symbol>:\*|<=|>=|!=|<>|[=<>(),*-])""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    position: int

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "name" else ""


def tokenize(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise malformed_query(f"unexpected {text[position]!r} at position {position + 1} of {text!r}")
        if match.lastgroup != "space":
            yield Token(match.lastgroup, match.group(), position)
        position = match.end()
    yield Token("end", "", len(text))
