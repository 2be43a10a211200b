"""Chains: make, change and delete them. Types that would start each other in a ring are refused."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from syncjobs.chain_paths import MOST_STEPS, Arrows, find_path, longest_way, turned_round
from syncjobs.clock import db_now
from syncjobs.models import Chain, SyncJobType
from syncjobs.operations.auditing import record
from syncjobs.operations.editions import take_next_version

logger = logging.getLogger("syncjobs.chains")
CHAINS_LOCK = 7_262_336  # any constant; pg_advisory_xact_lock wants a number


def save_chain(
    *,
    from_type: SyncJobType,
    to_type: SyncJobType,
    actor: str,
    when: str = Chain.When.SUCCESS.value,
    enabled: bool = True,
    chain: Chain | None = None,
) -> Chain:
    """Make a chain, or change the given one.

    Raises ValidationError by field: to_type, when; and EditConflict if it was edited meanwhile.
    """
    with transaction.atomic():
        _take_turns()
        _check(from_type, to_type, when, chain)
        before = chain_shape(chain) if chain is not None else None
        if chain is not None:
            take_next_version(chain)
        saved = chain or Chain(created_at=db_now(), created_by=actor)
        saved.from_type, saved.to_type, saved.when, saved.enabled = from_type, to_type, when, enabled
        saved.save()
        verb = "chain.create" if before is None else "chain.update"
        record(verb, saved, before=before, after=chain_shape(saved), actor=actor)
    logger.info("The chain %s was saved by %s", saved, actor)
    return saved


def set_chain_enabled(chain: Chain, enabled: bool, *, actor: str) -> Chain:
    """Switch it on or off; jobs that ended while it was off start nothing later."""
    return save_chain(
        from_type=chain.from_type, to_type=chain.to_type, when=chain.when, enabled=enabled, chain=chain, actor=actor
    )


def delete_chain(chain: Chain, *, actor: str) -> None:
    """Delete it; the jobs that it started stay. Raises EditConflict if it was edited meanwhile."""
    name = str(chain)
    with transaction.atomic():
        take_next_version(chain)
        record("chain.delete", chain, before=chain_shape(chain), actor=actor)
        chain.delete()
    logger.info("The chain %s was deleted by %s", name, actor)


def chain_shape(chain: Chain) -> dict[str, Any]:
    """The chain as export_config writes it, types by slug."""
    return {
        "from_type": chain.from_type.slug,
        "to_type": chain.to_type.slug,
        "when": chain.when,
        "enabled": chain.enabled,
    }


def _take_turns() -> None:
    """Two that are saved at once could close a ring together; on SQLite every transaction has its turn anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAINS_LOCK])


def _check(from_type: SyncJobType, to_type: SyncJobType, when: str, chain: Chain | None) -> None:
    problems: dict[str, str] = {}
    if when not in Chain.When.values:
        problems["when"] = f"'{when[:40]}' does not exist; choose {', '.join(Chain.When.values)}."
    others = Chain.objects.exclude(pk=chain.pk) if chain is not None else Chain.objects.all()
    if others.filter(from_type=from_type, to_type=to_type).exists():
        problems["to_type"] = f"{from_type.slug} starts {to_type.slug} already; change that chain."
    elif problem := _problem_of_way(others.values_list("from_type", "to_type"), from_type, to_type):
        problems["to_type"] = problem
    if problems:
        raise ValidationError(problems)


def _problem_of_way(pairs: Iterable[tuple[int, int]], from_type: SyncJobType, to_type: SyncJobType) -> str:
    arrows: dict[int, set[int]] = {}
    for here, there in pairs:
        arrows.setdefault(here, set()).add(there)
    if ring := find_path(arrows, to_type.pk, from_type.pk):
        return f"It would start itself: {_named([from_type.pk, *ring])}. Leave one of these chains out."
    steps = _longest_through(arrows, from_type.pk, to_type.pk)
    if steps > MOST_STEPS:
        return f"{steps} types in a row would start each other; at most {MOST_STEPS} may."
    return ""


def _longest_through(arrows: Arrows, start: int, end: int) -> int:
    return longest_way(turned_round(arrows), start) + 1 + longest_way(arrows, end)


def _named(ids: list[int]) -> str:
    slugs = dict(SyncJobType.objects.filter(pk__in=ids).values_list("pk", "slug"))
    return " → ".join(slugs[pk] for pk in ids)
