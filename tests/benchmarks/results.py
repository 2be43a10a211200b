"""What contenders needed, round by round, as ratios to the limit of the same round; printed, and as Markdown."""

from __future__ import annotations

import argparse
import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import cpu_count, getloadavg
from pathlib import Path

LIMIT = "limit"
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Run:
    """What one contender needed once: seconds, and the peak memory of its process in MB (0 = not measured)."""

    seconds: float
    megabytes: int = 0


@dataclass(frozen=True, slots=True)
class Goal:
    """At most `ratio` times `of` (empty: the limit), at most so many MB, memory within a share of that of `of`.

    0 is no goal.
    """

    ratio: float
    of: str = ""
    megabytes: int = 0
    memory_within: float = 0.0


@dataclass(slots=True)
class Table:
    """One comparison: for each contender its runs, one a round, and whether all its results were right.

    Ratios are to the contender `limit`. `unit` is what its runs' seconds were divided into, if they were.
    """

    title: str
    goals: dict[str, Goal]
    limit: str = LIMIT
    unit: str = "s"
    runs: dict[str, list[Run]] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    measured: str = ""
    notes: list[str] = field(default_factory=list)

    def measure(self, name: str, action: Callable[[], Run], complaint: Callable[[], str]) -> None:
        """Do it once and look at what came out; `complaint` says what is wrong with it, nothing if it is right."""
        self.measured = name
        self.runs.setdefault(name, []).append(action())
        self.complain(complaint())

    def complain(self, words: str) -> None:
        """Note what is wrong with what is measured now; empty words are none."""
        if words:
            self.wrong[self.measured] = words

    def seconds(self, name: str) -> float:
        return statistics.median(run.seconds for run in self.runs[name])

    def ratio(self, name: str, of: str = "") -> float:
        """The median of the ratios to another contender of the same round, by default to the limit."""
        return statistics.median(self.ratios(name, of))

    def ratios(self, name: str, of: str = "") -> list[float]:
        """One a round."""
        pairs = zip(self.runs[name], self.runs[of or self.limit], strict=True)
        return [mine.seconds / other.seconds for mine, other in pairs]

    def megabytes(self, name: str) -> int:
        return max(run.megabytes for run in self.runs[name])

    def verdict(self, name: str) -> str:
        if name in self.wrong:
            return f"WRONG: {self.wrong[name]}"
        goal = self.goals.get(name)
        if goal is None:
            return ""
        of = f" {goal.of}" if goal.of else ""
        verdict = f"≤ {goal.ratio:.2f} {TIMES}{of}: {_met(self.ratio(name, goal.of) <= goal.ratio)}"
        if goal.megabytes:
            verdict += f"; ≤ {goal.megabytes} MB: {_met(self.megabytes(name) <= goal.megabytes)}"
        if goal.memory_within:
            growth = self.megabytes(name) / self.megabytes(goal.of or self.limit) - 1
            verdict += f"; memory ± {goal.memory_within:.0%}: {_met(abs(growth) <= goal.memory_within)} ({growth:+.0%})"
        return verdict

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        found = []
        for name in self.runs:
            memory = self.megabytes(name)
            shown = f"{self.seconds(name):.2f}", f"{self.ratio(name):.2f}", f"{memory} MB" if memory else ""
            found.append((name, *shown, self.verdict(name)))
        return found

    def as_text(self) -> str:
        lines = [f"\n{self.title}", f"  {'':<52} {self.unit:>7} {f'x {self.limit}':>8} {'memory':>8}"]
        for name, seconds, ratio, memory, verdict in self.rows():
            lines.append(f"  {name:<52} {seconds:>7} {ratio:>8} {memory:>8}   {verdict}".rstrip())
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def as_markdown(self) -> str:
        head = f"| who | {self.unit} | {TIMES} {self.limit} | peak memory | goal |"
        lines = [f"### {self.title}", "", head, "|---|---|---|---|---|"]
        for name, seconds, ratio, memory, verdict in self.rows():
            lines.append(f"| {name} | {seconds} | {ratio} | {memory} | {verdict} |")
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)]) + "\n"


def _met(is_met: bool) -> str:
    return "met" if is_met else "NOT MET"


def differs(found: tuple[int, str], expected: tuple[int, str]) -> str:
    """What is wrong with a table's fingerprint; empty if nothing is."""
    if found[0] != expected[0]:
        return f"{found[0]:,} rows, not {expected[0]:,}"
    return "" if found == expected else f"checksum {found[1]}, not {expected[1]}"


def conditions(rounds: int, postgres: int) -> str:
    """Where and when, for the page of results."""
    versions = f"Python {platform.python_version()}, PostgreSQL {postgres // 10_000}.{postgres % 10_000}"
    load = f"load {getloadavg()[2]:.1f}"  # of the last 15 minutes: what else went on is part of the result
    return f"{datetime.now(UTC):%Y-%m-%d}, {cpu_count()} cores, {load}, {versions}, medians of {rounds} rounds."


def markdown_file() -> Path | None:
    """The file that `--markdown FILE` names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables there, as Markdown")
    given: Path | None = parser.parse_args().markdown
    return given


def tell(tables: list[Table], rounds: int, postgres: int, markdown: Path | None) -> int:
    """Print the tables, and write them where asked; the exit code, 1 where a result was wrong."""
    for table in tables:
        print(table.as_text(), flush=True)  # noqa: T201
    if markdown is not None:
        texts = [conditions(rounds, postgres), *(table.as_markdown() for table in tables)]
        markdown.write_text("\n\n".join(texts), encoding="utf-8")
    return 1 if any(table.wrong for table in tables) else 0
