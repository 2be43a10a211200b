"""Templates: text with `{column}` in it, read once and filled for each record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.records import TYPES

PLACEHOLDERS = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<name>[^{}]+)\}|(?P<stray>[{}])")


@dataclass(frozen=True, slots=True)
class Template:
    """Text with `{column}` in it; `{{` is a brace. A missing value becomes empty text; if all are missing, so is the
    result. `parts` are pairs of text and the column after it, None after the last text.
    """

    parts: tuple[tuple[str, str | None], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for _, name in self.parts if name is not None))


def read_template(text: str) -> Template:
    """The parts of a checked template."""
    parts: list[tuple[str, str | None]] = []
    literal, end = "", 0
    for match in PLACEHOLDERS.finditer(text):
        literal += text[end : match.start()]
        end = match.end()
        if match["name"]:
            parts.append((literal, match["name"]))
            literal = ""
        else:
            literal += match[0][0]
    return Template((*parts, (literal + text[end:], None)))


def template_problems(text: str, path: str) -> Iterator[str]:
    """What is wrong with a template, each beginning with `path`."""
    stray = [match.start() + 1 for match in PLACEHOLDERS.finditer(text) if match["stray"]]
    if stray:
        yield f"{path}: single brace at character {stray[0]}; write {{{{ or }}}} for a brace in the text"
    elif not read_template(text).columns:
        yield f"{path}: holds no {{source field}}; use value for a constant"
    try:
        TYPES["text"].decode(text)
    except ValueError as error:
        yield f"{path}: {error}"


def compile_template(template: Template) -> Callable[[tuple[Any, ...]], str | None]:
    """The filled text from the values of `template.columns`, in that order; ValueError where a value has no text."""
    places = [template.columns.index(name) for _, name in template.parts if name is not None]
    literals = [text for text, _ in template.parts]
    decode = TYPES["text"].decode

    def fill(values: tuple[Any, ...]) -> str | None:
        if all(value is None for value in values):
            return None
        texts = ["" if value is None else decode(value) for value in values]
        filled = "".join(text + texts[place] for text, place in zip(literals, places, strict=False))
        return filled + literals[-1]

    return fill


def fill_columns(template: Template, columns: Sequence[Sequence[Any]]) -> list[str] | None:
    """The filled texts of many records, whose values are the columns of `template.columns`; None where some are not
    plain ASCII texts, which `compile_template` looks at one by one.
    """
    for column in columns:
        try:
            joined = "".join(column) if isinstance(column, list) else "\0"
        except TypeError:
            return None
        if not joined.isascii() or "\0" in joined:
            return None
    pattern = "".join(text.replace("%", "%%") + ("" if name is None else "%s") for text, name in template.parts)
    wanted = [columns[template.columns.index(name)] for _, name in template.parts if name is not None]
    return list(map(pattern.__mod__, zip(*wanted, strict=True)))
