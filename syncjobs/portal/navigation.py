"""The sidebar: what exists and what this person may see, with numbers beside it. Reads a few counts only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from syncjobs.lifecycle.occupancy import SILENT_AFTER
from syncjobs.models import AuditEvent, ProgramSeen, SyncJob, WorkerSeen
from syncjobs.operations.visible import visible_connectors, visible_job_types, visible_jobs, visible_schedules
from syncjobs.portal.reject_reads import count_open
from syncjobs.statuses import Status

MOST_REJECTS_TOLD = 999
FAILING_SINCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu; `kind` colours the number: "", "warn" or "bad"."""

    label: str
    address: str
    is_current: bool
    number: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its entries."""

    label: str
    entries: list[Entry]


def menu(request: HttpRequest) -> list[Section]:
    """The sections in which this person may open something."""
    sections = [
        Section("", [_entry(request, "Dashboard", reverse("admin:index"), exact=True)]),
        Section("Operate", _operating(request)),
        Section("Configure", _configuring(request)),
        Section("Administer", _administering(request)),
    ]
    return [section for section in sections if section.entries]


def _operating(request: HttpRequest) -> list[Entry]:
    if not may_see(request, SyncJob):
        return []
    address = reverse("admin:job_list")
    busy = visible_jobs().filter(status__in=(Status.STARTED.value, Status.HELD.value, Status.PAUSED.value))
    numbers = busy.aggregate(
        running=Count("id", filter=Q(status=Status.STARTED.value)),
        held=Count("id", filter=Q(status=Status.HELD.value)),
    )
    running = f"{numbers['running']} running" if numbers["running"] else ""
    entries = [_entry(request, "Jobs", address, number=running)]
    if numbers["held"]:
        held = f"{address}?status=held"
        entries.append(Entry("Held", held, request.get_full_path() == held, str(numbers["held"]), "warn"))
    return [*entries, *_looking_closer(request)]


def _looking_closer(request: HttpRequest) -> list[Entry]:
    rejects = reverse("admin:reject_list")
    is_current = request.path.startswith(rejects)
    number = count_open(MOST_REJECTS_TOLD + 1)
    told = f"{MOST_REJECTS_TOLD}+" if number > MOST_REJECTS_TOLD else str(number or "")
    return [
        _failures(request),
        Entry("Rejects", rejects, is_current, told, "warn" if number else ""),
        _entry(request, "Records", reverse("admin:record_history")),
        _workers(request),
    ]


def _failures(request: HttpRequest) -> Entry:
    address = reverse("admin:failure_list")
    number = visible_jobs().failed_since(timezone.now() - FAILING_SINCE).count()
    return Entry("Failures", address, request.path.startswith(address), f"{number:,}" if number else "", "bad")


def _workers(request: HttpRequest) -> Entry:
    """With a warning where nobody is there to run jobs, or to send them."""
    address, is_heard = reverse("admin:worker_list"), {"last_seen_at__gte": timezone.now() - SILENT_AFTER}
    told = ("", "")
    if not WorkerSeen.objects.filter(**is_heard).exists():
        told = ("none", "bad")
    elif not ProgramSeen.objects.filter(role=ProgramSeen.Role.DISPATCHER, **is_heard).exists():
        told = ("no dispatcher", "bad")
    return Entry("Workers", address, request.path.startswith(address), *told)


def _configuring(request: HttpRequest) -> list[Entry]:
    tables: tuple[tuple[str, QuerySet[Any, Any], str], ...] = (
        ("Job types", visible_job_types(), "admin:job_type_list"),
        ("Connectors", visible_connectors(), "admin:connector_list"),
        ("Schedules", visible_schedules(), "admin:schedule_list"),
    )
    return [
        _entry(request, label, reverse(name), number=str(rows.count()))
        for label, rows, name in tables
        if may_see(request, rows.model)
    ]


def _administering(request: HttpRequest) -> list[Entry]:
    models: tuple[tuple[str, type[Model], str], ...] = (
        ("Users", User, "admin:auth_user_changelist"),
        ("Groups", Group, "admin:auth_group_changelist"),
    )
    people = [_entry(request, label, reverse(name)) for label, model, name in models if may_see(request, model)]
    tokens = _entry(request, "API tokens", reverse("admin:token_list"))
    audit = [_entry(request, "Audit", reverse("admin:audit_list"))] if may_see(request, AuditEvent) else []
    return [*people, tokens, *audit]


def _entry(request: HttpRequest, label: str, address: str, *, number: str = "", exact: bool = False) -> Entry:
    is_current = request.path == address if exact else request.path.startswith(address)
    return Entry(label, address, is_current, number)


def may_see(request: HttpRequest, model: type[Model]) -> bool:
    """Whether this person may look at these rows."""
    meta: Any = model._meta
    names = (f"{meta.app_label}.{action}_{meta.model_name}" for action in ("view", "change"))
    return any(request.user.has_perm(name) for name in names)
