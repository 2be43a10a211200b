"""Writes down, in the transaction that ends a job, which chains are to start what comes next. Starts nothing itself.

Dry runs, child jobs and reverts ask for nothing, nor does a job that was canceled or that never ran since another one
of its target was active. A relay's end asks at once; that its children have to end, too, is for whoever answers.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from syncjobs.lifecycle.statements import Statement, stored, update
from syncjobs.models import Chain, ChainStart, SyncJob
from syncjobs.statuses import DONE, Status, Trigger

BY_ANY_END = (Chain.When.ALWAYS.value,)
BY_A_GOOD_END = tuple(Chain.When.values)
ASK = """
    INSERT INTO syncjobs_chainstart (chain_id, job_id, state, reason, due_at, created_at)
    SELECT id, %s, 'waiting', '', %s, %s FROM syncjobs_chain
    WHERE from_type_id = %s AND enabled AND "when" IN ({places}) ORDER BY id {lock}
    ON CONFLICT (chain_id, job_id) DO NOTHING
"""


def asking_for_chains(job: SyncJob, new: Status, now: datetime) -> list[Statement]:
    """What goes along with the move of a started job to `new`; the caller knows that no retry is due."""
    if job.parent_id is not None:
        return _asking_again(job.parent_id, now) if new in DONE else []
    if job.dry_run or job.trigger_type == Trigger.REVERT:
        return []
    if new in DONE:
        kinds = BY_A_GOOD_END
    elif new in (Status.FAILED, Status.ERROR):
        kinds = BY_ANY_END
    else:
        return []
    # A chain that somebody deletes meanwhile is waited for, since its end would break ours; SQLite has turns anyway.
    lock = "FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    text = ASK.format(places=", ".join(["%s"] * len(kinds)), lock=lock)
    moment = stored(ChainStart, "due_at", now)
    return [(text, [job.pk, moment, moment, job.job_type_id, *kinds])]


def _asking_again(parent_id: int, now: datetime) -> list[Statement]:
    """A child was mended: what its parent was to start, had no child failed, is looked at again."""
    changes = {"state": ChainStart.State.WAITING.value, "due_at": now, "reason": ""}
    of_parent = "job_id = %s AND state = %s"
    return [update(ChainStart, changes, of_parent, [parent_id, ChainStart.State.CHILDREN_FAILED.value])]
