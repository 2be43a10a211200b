"""A controller that notes which hooks are called, and fails where it is told to. Stands in for the real one."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from connectors.errors import TransientError
from syncjobs.controllers.base import Controller, JobHandle, Outcome
from syncjobs.controllers.code import CodeController
from syncjobs.controllers.hooks import HOOKS
from syncjobs.models import SyncJobType

BEFORE_COMMIT = "before_commit"
"""Everything is written and nothing is committed yet: the worst place to fail at."""


class Trial:
    """What is to go wrong, and what was seen so far: the hooks called, by the job's id."""

    def __init__(self, fail_attempt: int | None, fail_at: str) -> None:
        if fail_at != BEFORE_COMMIT and fail_at not in HOOKS:
            raise ValueError(f"fail_at must be {BEFORE_COMMIT} or a hook ({', '.join(HOOKS)}), not {fail_at!r}")
        self.hooks: defaultdict[int, list[str]] = defaultdict(list)
        self.has_failed = False
        self._fail_attempt = fail_attempt
        self._fail_at = fail_at

    def note(self, sync_job: JobHandle, hook: str) -> None:
        self.hooks[sync_job.job.pk].append(hook)

    def fail_if_due(self, sync_job: JobHandle, place: str) -> None:
        """Raise TransientError if this attempt is to fail at this place."""
        if sync_job.job.attempt == self._fail_attempt and place == self._fail_at:
            self.has_failed = True
            where = "before its commit" if place == BEFORE_COMMIT else f"after {place}"
            raise TransientError("failed_on_purpose", f"attempt {self._fail_attempt} failed on purpose {where}")

    def check(self) -> None:
        """AssertionError if an attempt was to fail and never came to that place: the test would prove nothing."""
        if self._fail_attempt is not None and not self.has_failed:
            raise AssertionError(f"no attempt {self._fail_attempt} came to {self._fail_at}, so none failed on purpose")


class ControllerOnTrial:
    """Runs a controller as ever, but for what the trial asks."""

    def __init__(self, controller: Controller, trial: Trial) -> None:
        self.name = controller.name
        self.masked_fields: frozenset[str] = getattr(controller, "masked_fields", frozenset())
        self._trial = trial
        self._controller = controller
        if isinstance(controller, CodeController) and not controller.problems:
            path, make = controller.path, controller.make
            self._controller = CodeController.from_code(self.name, path, lambda: WatchedCode(make(), trial))

    def type_problems(self, job_type: SyncJobType) -> dict[str, list[str]]:
        return self._controller.type_problems(job_type)

    def execute(self, sync_job: JobHandle, source_doc: Any) -> Outcome:
        handle: Any = WatchedHandle(sync_job, self._trial)
        outcome = self._controller.execute(handle, source_doc)
        if isinstance(outcome, Outcome) and not outcome.is_written:
            self._trial.fail_if_due(sync_job, BEFORE_COMMIT)
        return outcome


class WatchedCode:
    """The author's module or instance, its hooks noted."""

    def __init__(self, code: Any, trial: Trial) -> None:
        self._code = code
        self._trial = trial

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._code, name)
        return self._watched(name, found) if name in HOOKS and callable(found) else found

    def _watched(self, name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(hook)
        def call(sync_job: JobHandle, *arguments: Any) -> Any:
            self._trial.note(sync_job, name)
            answer = hook(sync_job, *arguments)
            self._trial.fail_if_due(sync_job, name)
            return answer

        return call


class WatchedHandle:
    """The job's handle; its `end` may fail on purpose, inside the transaction that it would have ended."""

    def __init__(self, sync_job: JobHandle, trial: Trial) -> None:
        self.__dict__["_sync_job"] = sync_job
        self.__dict__["_trial"] = trial

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sync_job, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._sync_job, name, value)

    def end(self, outcome: Outcome) -> None:
        self._trial.fail_if_due(self._sync_job, BEFORE_COMMIT)
        self._sync_job.end(outcome)
