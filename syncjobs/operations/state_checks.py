"""The proof of the books: every job's lease, history and numbers, checked against the rules. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from syncjobs.clock import db_now
from syncjobs.operations.state_rules.books import broken_batches, unbalanced_counts, wrong_changes, wrong_rejects
from syncjobs.operations.state_rules.breaches import Breach, Check
from syncjobs.operations.state_rules.histories import broken_attempts, broken_histories, jobs_without_events
from syncjobs.operations.state_rules.job_rows import broken_rows

CHECKS: tuple[Check, ...] = (
    broken_rows,
    jobs_without_events,
    broken_histories,
    broken_attempts,
    unbalanced_counts,
    broken_batches,
    wrong_changes,
    wrong_rejects,
)


def find_breaches() -> Iterator[Breach]:
    """Every breach of a rule in all jobs, rule by rule; none where the books are in order.

    Each rule is one statement, so it may be asked while jobs run: what it sees is one moment, between two moves.
    """
    for check in CHECKS:
        yield from check(db_now())
