"""The scheduler of `celery beat`: starts a job for every due time of a schedule, once. Never speaks to the broker.

The only module that knows django-celery-beat's scheduler. Of that it keeps the place in the beat process; which
schedules there are and when they are due it reads from the rows at every tick, so an edit counts within 5 seconds.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import Error as DatabaseProblem
from django.db import close_old_connections, connections, transaction
from django.db.models import QuerySet
from django_celery_beat.schedulers import DatabaseScheduler

from syncjobs.clock import db_now
from syncjobs.mapping import ConfigProblems
from syncjobs.models import ProgramSeen, Schedule
from syncjobs.operations.job_types import DuplicateSlot, run_job_type
from syncjobs.operations.run_requests import RunRefused
from syncjobs.operations.schedules import rule_of
from syncjobs.programs_seen import ProgramReport
from syncjobs.schedule_times import Clocked, Due, Rule, due_now, next_due
from syncjobs.statuses import Trigger

logger = logging.getLogger("syncjobs.beat")
LEAST_WAIT_SECONDS = 0.05
WITH_RULE = ("job_type", "periodic_task__interval", "periodic_task__crontab", "periodic_task__clocked")


@dataclass(frozen=True, slots=True)
class Appointment:
    """When a schedule is next due, as long as its rule and the due time behind it stay what they are."""

    rule: Rule
    last_due_at: datetime
    at: datetime | None

    def fits(self, rule: Rule, last_due_at: datetime) -> bool:
        return self.rule == rule and self.last_due_at == last_due_at


class JobScheduler(DatabaseScheduler):  # type: ignore[misc]  # untyped base
    """Beat's scheduler over our Schedule rows. Several may run: of one due time only one of them makes a job."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._appointments: dict[int, Appointment] = {}
        self._complaints: set[tuple[int, datetime | None]] = set()
        self._is_failing = False
        self._report = ProgramReport(ProgramSeen.Role.BEAT)
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Install nothing: Celery's own entry cleans up results, and there are none."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Start whatever is due; returns the seconds until there may be more to do."""
        try:
            close_old_connections()
            wait = self.run_due(db_now())
            self._report.report(db_now())
        except DatabaseProblem as error:
            connections.close_all()
            if not self._is_failing:
                logger.error("Beat waits until its database answers again: %s", error)
            self._is_failing = True
            return float(self.max_interval)
        if self._is_failing:
            logger.info("Beat goes on: its database answers again")
        self._is_failing = False
        return wait

    def close(self) -> None:
        self._report.leave()
        super().close()

    def run_due(self, now: datetime) -> float:
        """One look at every enabled schedule. One that cannot be run now keeps no other from running."""
        wait, present = float(self.max_interval), set()
        for schedule in enabled_schedules():
            present.add(schedule.pk)
            try:
                at = self._look(schedule, now)
            except DatabaseProblem as error:
                logger.warning("Schedule '%s' is tried again in a second: %s", schedule, error)
                wait = min(wait, 1.0)
            except Exception as error:  # a bug, or a row made by other means; whichever, beat goes on
                self._complain(schedule, error)
            else:
                if at is not None:
                    wait = min(wait, max(LEAST_WAIT_SECONDS, (at - now).total_seconds()))
        self._appointments = {pk: found for pk, found in self._appointments.items() if pk in present}
        return wait

    def _look(self, schedule: Schedule, now: datetime) -> datetime | None:
        """Run the schedule if it is due; returns when it is due next."""
        rule, last_due_at = rule_of(schedule), schedule.last_due_at or schedule.created_at
        known = self._appointments.get(schedule.pk)
        if known is None or not known.fits(rule, last_due_at):
            known = Appointment(rule, last_due_at, next_due(rule, last_due_at))
            self._appointments[schedule.pk] = known
        if known.at is None or known.at > now:
            return known.at
        due = due_now(rule, last_due_at, now, "none" if schedule.catch_up == Schedule.CatchUp.NONE else "latest")
        if due is None:
            return None
        run_slot(schedule, rule, due)
        return next_due(rule, due.at)

    def _complain(self, schedule: Schedule, error: Exception) -> None:
        key = (schedule.pk, schedule.last_due_at)
        if key not in self._complaints:
            logger.error("Schedule '%s' cannot be run and is tried again: %s", schedule, error, exc_info=error)
        self._complaints.add(key)


def enabled_schedules() -> QuerySet[Schedule]:
    """What beat has to look at, with all that it needs to know."""
    return Schedule.objects.filter(periodic_task__enabled=True).select_related(*WITH_RULE)


def run_slot(schedule: Schedule, rule: Rule, due: Due) -> None:
    """Mark the due time as taken and start its job, both or neither. Does nothing if another beat has taken it."""
    with transaction.atomic():
        same = Schedule.objects.filter(pk=schedule.pk, last_due_at=schedule.last_due_at)
        if schedule.last_due_at is None:
            same = Schedule.objects.filter(pk=schedule.pk, last_due_at__isnull=True)
        if not same.update(last_due_at=due.at):
            return
        if due.should_run:
            _start_job(schedule, due.at)
        else:
            logger.info("Schedule '%s' passes over %s, which was missed", schedule, due.at)
        if isinstance(rule, Clocked):  # it has had its one time
            schedule.periodic_task.enabled = False
            schedule.periodic_task.save()


def _start_job(schedule: Schedule, due_at: datetime) -> None:
    try:
        job = run_job_type(
            schedule.job_type,
            trigger=Trigger.SCHEDULER,
            actor=f"schedule {schedule}"[:150],
            schedule=schedule,
            due_at=due_at,
            **schedule.overrides,
        )
    except DuplicateSlot as known:
        logger.info("Nothing to start: %s", known)
    except (RunRefused, ConfigProblems) as refusal:
        logger.warning("Schedule '%s' starts nothing for %s: %s", schedule, due_at, refusal)
    else:
        logger.info("Schedule '%s' starts job #%s for %s", schedule, job.pk, due_at, extra={"sync_id": job.pk})
