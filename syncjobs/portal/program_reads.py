"""What keeps jobs moving, each as one sentence with its way to be mended: dispatcher, beat, workers, broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncjobs.models import ProgramSeen, Schedule
from syncjobs.portal.words import plural, relative_text
from syncjobs.portal.worker_reads import Workshop
from syncjobs.programs_seen import SILENT_AFTER

DISPATCHER, BEAT = ProgramSeen.Role.DISPATCHER, ProgramSeen.Role.BEAT


@dataclass(frozen=True, slots=True)
class Verdict:
    """One part of the machinery: `kind` is ok, warn, bad or quiet; `command` is what would mend it."""

    name: str
    kind: str
    word: str
    sentence: str
    command: str = ""


def verdicts(workshop: Workshop, now: datetime) -> list[Verdict]:
    """The four parts, in the order in which a job meets them."""
    programs = list(ProgramSeen.objects.all())
    has_schedules = Schedule.objects.filter(periodic_task__enabled=True).exists()
    return [
        _beat([one for one in programs if one.role == BEAT], has_schedules, now),
        _dispatcher([one for one in programs if one.role == DISPATCHER], now),
        _broker([one for one in programs if one.role == DISPATCHER and _is_alive(one, now)], now),
        _workers(workshop, now),
    ]


def _is_alive(program: ProgramSeen, now: datetime) -> bool:
    return program.last_seen_at >= now - SILENT_AFTER


def _where(alive: Sequence[ProgramSeen]) -> str:
    places = ", ".join(f"{one.host}{f' ({one.version})' if one.version else ''}" for one in alive)
    return f"on {places}"


def _last_heard(silent: Sequence[ProgramSeen], now: datetime) -> str:
    last = max((one.last_seen_at for one in silent), default=None)
    return f"last heard {relative_text(last, now)}" if last else "none has reported"


def _dispatcher(programs: list[ProgramSeen], now: datetime) -> Verdict:
    if alive := [one for one in programs if _is_alive(one, now)]:
        return Verdict("Dispatcher", "ok", "At work", f"It admits jobs and sends them, {_where(alive)}.")
    told = f"Nothing is sent to the workers ({_last_heard(programs, now)}): jobs stay queued until one runs."
    return Verdict("Dispatcher", "bad", "Not heard", told, "python manage.py dispatcher")


def _beat(programs: list[ProgramSeen], has_schedules: bool, now: datetime) -> Verdict:
    if alive := [one for one in programs if _is_alive(one, now)]:
        return Verdict("Beat", "ok", "At work", f"It starts what is due by schedule, {_where(alive)}.")
    if not has_schedules:
        return Verdict("Beat", "quiet", "Not heard", "No schedule is on, so nothing is missed.")
    told = f"No schedule starts anything ({_last_heard(programs, now)})."
    return Verdict("Beat", "bad", "Not heard", told, "python -m config beat")


def _broker(dispatchers: list[ProgramSeen], now: datetime) -> Verdict:
    """As the dispatcher found it last; no page ever waits for the broker."""
    told = [one for one in dispatchers if one.broker_seen_at is not None]
    if not told:
        why = "the dispatcher has sent nothing since it began" if dispatchers else "no dispatcher is there to say"
        return Verdict("Broker", "quiet", "Not known", f"Nothing is known of it: {why}.")
    latest = max(told, key=lambda one: one.broker_seen_at or one.started_at)
    when = relative_text(latest.broker_seen_at or now, now)
    if latest.broker_ok:
        return Verdict("Broker", "ok", "Answers", f"It took the last wake-up {when}.")
    message = f": {latest.broker_message.rstrip('.')}" if latest.broker_message else ""
    return Verdict(
        "Broker",
        "bad",
        "Unreachable",
        f"The dispatcher last tried {when}{message}. Jobs stay queued and are sent within 10 seconds of its return.",
    )


def _workers(workshop: Workshop, now: datetime) -> Verdict:
    alive = workshop.alive
    if not alive:
        heard = max((row.worker.last_seen_at for row in workshop.workers), default=None)
        last = f"last heard {relative_text(heard, now)}" if heard else "none has reported"
        queues = ",".join(row.name for row in workshop.queues)
        return Verdict(
            "Workers", "bad", "None", f"Nothing runs ({last}).", f"python -m config worker --queues {queues}"
        )
    busy = sum(len(row.jobs) for row in alive)
    told = f"{plural(workshop.slots, 'slot')}, {busy or 'none'} busy."
    stuck = [row for row in workshop.queues if row.is_stuck]
    if stuck:
        names = [row.name for row in stuck]
        told += f" Jobs wait in {', '.join(names)}, to which no worker listens."
        return Verdict("Workers", "warn", str(len(alive)), told, f"python -m config worker --queues {','.join(names)}")
    if len(workshop.versions) > 1:
        told += f" They run different versions: {', '.join(workshop.versions)}."
        return Verdict("Workers", "warn", str(len(alive)), told)
    return Verdict("Workers", "ok", str(len(alive)), told)
