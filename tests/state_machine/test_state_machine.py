"""At least 2,000 random steps over the real operations, on PostgreSQL: no illegal state, no lost event, no dead end.

The seed is printed; STATE_MACHINE_SEED repeats a run, STATE_MACHINE_STEPS asks for more steps. STATE_MACHINE_SHRINK=1
looks for the shortest way to a failure, which takes minutes.
"""

from __future__ import annotations

import os
import random
import sys

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.state_machine.machine_base import JobMachine
from tests.state_machine.outlet import Outlet
from tests.state_machine.people import People
from tests.state_machine.workers import Workers

WANTED_STEPS = int(os.environ.get("STATE_MACHINE_STEPS", "2000"))
STEPS_OF_AN_EXAMPLE = 60
SETTINGS = settings(
    max_examples=7,
    stateful_step_count=STEPS_OF_AN_EXAMPLE,
    deadline=None,
    database=None,
    print_blob=False,
    phases=[Phase.generate, *([Phase.shrink] if os.environ.get("STATE_MACHINE_SHRINK") else [])],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
def test_no_order_of_events_breaks_the_books(rows_on_postgresql: None, capsys: pytest.CaptureFixture[str]) -> None:
    first_seed = int(os.environ.get("STATE_MACHINE_SEED") or random.SystemRandom().randrange(10**9))
    with capsys.disabled():
        sys.stdout.write(f"\nSTATE_MACHINE_SEED={first_seed}\n")
    number = 0
    while JobMachine.steps < WANTED_STEPS:
        machine = seed(first_seed + number)(type("JobsMachine", (Outlet, Workers, People), {}))
        run_state_machine_as_test(machine, settings=SETTINGS)
        number += 1
