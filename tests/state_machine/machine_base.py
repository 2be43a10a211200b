"""What all rules stand on: the world, and how an attempt's end is judged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from syncjobs.lifecycle import StatusConflict
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.statuses import Status
from tests.state_machine.world import World, begin_anew, is_owned

PICKS = st.integers(0, 60)


class JobMachine(RuleBasedStateMachine):
    """Looks at the world after each step."""

    steps = 0
    """Of all examples together."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.types: list[SyncJobType] = []

    @initialize()
    def begin(self) -> None:
        self.types = begin_anew()

    @invariant()
    def the_world_is_in_order(self) -> None:
        if self.types:
            JobMachine.steps += 1
            self.world.look()
            self.world.check()

    def finish(self, owned: SyncJob, new: Status, act: Callable[[], SyncJob], *, has_retry: bool = False) -> None:
        """End an attempt. An owner's end is accepted, what was asked of the job meanwhile is honoured; others fail."""
        before = SyncJob.objects.filter(pk=owned.pk).first()
        if before is None:
            with pytest.raises(SyncJob.DoesNotExist):
                act()
        elif not is_owned(owned):
            with pytest.raises(StatusConflict):
                act()
        else:
            ended = act()
            assert ended.status == expected_end(before, new, has_retry)
            assert (ended.retry_after is not None) == (has_retry and ended.status == Status.FAILED)


def expected_end(before: SyncJob, new: Status, has_retry: bool) -> Status:
    """Whoever asked a job to stop or to pause does not see it go on."""
    goes_on = new in (Status.QUEUED, Status.PAUSED, Status.HELD) or has_retry
    if before.cancel_requested_at is not None and goes_on:
        return Status.CANCELED
    if before.pause_requested_at is not None and new is Status.QUEUED:
        return Status.PAUSED
    if before.pause_requested_at is None and new is Status.PAUSED:
        return Status.QUEUED
    return new
