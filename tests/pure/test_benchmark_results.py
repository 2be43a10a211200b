"""The table of a benchmark: ratios within a round, goals, and results that are wrong."""

from pathlib import Path

import pytest

from tests.benchmarks.results import LIMIT, Goal, Run, Table, differs, tell


def measured(goals: dict[str, Goal], complaint: str = "") -> Table:
    """Three rounds on a machine that becomes slower: the limit takes 1, 2 and 4 s, ours one and a half times that."""
    table = Table("A load", goals)
    for seconds in (1.0, 2.0, 4.0):
        table.measure(LIMIT, lambda s=seconds: Run(s), str)  # type: ignore[misc]
        table.measure("ours", lambda s=seconds: Run(1.5 * s, 70), lambda: complaint)  # type: ignore[misc]
    return table


def test_ratios_are_to_the_limit_of_the_same_round() -> None:
    table = measured({})
    assert (table.ratio("ours"), table.seconds("ours"), table.megabytes("ours")) == (1.5, 3.0, 70)


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        (Goal(1.5, megabytes=80), "≤ 1.50 ×: met; ≤ 80 MB: met"),  # noqa: RUF001
        (Goal(1.4, megabytes=80), "≤ 1.40 ×: NOT MET; ≤ 80 MB: met"),  # noqa: RUF001
        (Goal(1.5, megabytes=60), "≤ 1.50 ×: met; ≤ 60 MB: NOT MET"),  # noqa: RUF001
    ],
)
def test_a_goal_is_missed_by_time_or_memory(goal: Goal, verdict: str) -> None:
    assert measured({"ours": goal}).verdict("ours") == verdict


@pytest.mark.parametrize(
    ("megabytes", "verdict"),
    [
        (109, "≤ 1.20 ×: met; memory ± 10%: met (+9%)"),  # noqa: RUF001
        (85, "≤ 1.20 ×: met; memory ± 10%: NOT MET (-15%)"),  # noqa: RUF001
    ],
)
def test_growth_is_judged_beside_the_small_size_and_its_memory(megabytes: int, verdict: str) -> None:
    table = Table("Growth", {"large": Goal(1.2, memory_within=0.1)}, limit="small", unit="µs a record", notes=["So."])
    table.measure("small", lambda: Run(2.0, 100), str)
    table.measure("large", lambda: Run(2.2, megabytes), str)
    assert table.verdict("large") == verdict
    assert "| who | µs a record | × small |" in table.as_markdown()  # noqa: RUF001
    assert table.as_markdown().endswith("\n\nSo.\n")
    assert table.as_text().endswith("\n  So.")


def test_a_wrong_result_is_shown_and_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = measured({"ours": Goal(2)}, differs((3, "7"), (4, "7")))
    assert tell([table], 3, 170004, tmp_path / "results.md") == 1
    assert "WRONG: 3 rows, not 4" in capsys.readouterr().out
    assert "| ours | 3.00 | 1.50 | 70 MB | WRONG: 3 rows, not 4 |" in (tmp_path / "results.md").read_text("utf-8")
    assert tell([measured({})], 3, 170004, None) == 0


def test_the_same_number_of_rows_with_other_values_is_wrong() -> None:
    assert differs((4, "8"), (4, "7")) == "checksum 8, not 7"
    assert differs((4, "7"), (4, "7")) == ""
