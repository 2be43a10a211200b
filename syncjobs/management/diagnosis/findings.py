"""What an examination finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one part; `fix` says what to do unless it is ok."""

    part: str
    level: Level
    message: str
    fix: str = ""


Examination: TypeAlias = Callable[[], Iterator[Finding]]
