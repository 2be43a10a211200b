"""What the fuzzed server has: the made-up company of tests/pictures, and a token with all scopes for each role."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db.models import Q
from django.utils import timezone

from syncjobs.models import ApiToken, AuditEvent, Chain, Reject, Schedule, SyncJob, SyncJobType, Webhook
from syncjobs.operations.chains import save_chain
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.roles import ROLES, seed_roles
from syncjobs.operations.seeds import seed_defaults
from syncjobs.operations.tokens import create_token
from syncjobs.operations.webhooks import create_webhook
from syncjobs.scopes import SCOPES
from tests.pictures.company import found_company
from tests.pictures.happenings import happen
from tests.pictures.leavings import meet_drift

ACTOR = "fuzz"
JOBS_FOR = {
    "apply": "approved",
    "approve": "planned",
    "cancel": "queued",
    "cancel_children": "relayed",
    "children": "relayed",
    "conflicts": "conflicting",
    "discard": "held",
    "pause": "unmeasured",
    "rejects": "error",
    "restart": "canceled",
    "resume": "paused",
    "retry": "failed",
    "retry_children": "relayed",
    "revert": "revertible",
    "start": "pending",
}
"""Which of the company's jobs takes a verb or has something to show."""
STREAM = {"source": "orders", "target": "fuzzed", "key": ["order_id"], "mode": "upsert", "extent": "full"}
INCREMENTAL = STREAM | {"extent": "incremental", "cursor": {"field": "changed_at"}}
TYPE = {"name": "Fuzzed", "source_connector": "shop", "target_connector": "reports", "config": {"streams": [STREAM]}}
LOCAL = ("shop", "reports", "archive")
"""Connectors that ask no other machine, so that every 5xx is our own fault."""


def fill() -> dict[str, SyncJob]:
    """Make the database and all that is in it; returns jobs by what is to be seen there."""
    logging.disable(logging.INFO)
    call_command("migrate", verbosity=0, run_syncdb=True)
    User.objects.create(username="anna", is_superuser=True, is_staff=True)
    found_company()
    seed_defaults(actor=ACTOR)
    seed_roles()
    orders, customers = (SyncJobType.objects.get(slug=slug) for slug in ("orders", "customers"))
    for name in ("Till", "Stall"):
        create_webhook(orders, name=name, actor=ACTOR)
    save_chain(from_type=orders, to_type=customers, actor=ACTOR)
    for slug, stream in (("returns", STREAM), ("refunds", INCREMENTAL), ("leftovers", STREAM)):
        shape = TYPE | {"slug": slug, "config": {"streams": [stream]}}
        save_job_type(job_type_from_shape(shape), actor=ACTOR)
    jobs = happen()
    meet_drift(jobs["error"], timezone.now())
    return jobs


def make_tokens() -> dict[str, str]:
    """{role: the secret of a token of somebody in it}."""
    return {role: _make_token(role) for role in ROLES}


def _make_token(role: str) -> str:
    owner = User.objects.create(username=role.lower(), is_staff=True)
    owner.groups.set([Group.objects.get(name=role)])
    return create_token(owner, name=role, scopes=list(SCOPES), expires_at=None, actor=ACTOR).secret


def known_values(jobs: dict[str, SyncJob]) -> dict[str, Any]:
    """{folder/argument: values there are}, as the paths of the document have them."""
    rows = (Reject, Webhook, Chain, AuditEvent, Schedule, ApiToken)
    ids = [list(model.objects.order_by("id").values_list("pk", flat=True)[:20]) for model in rows]
    rejects, webhooks, chains, entries, schedules, tokens = ids
    failed = SyncJob.objects.exclude(failure_fingerprint=None).values_list("failure_fingerprint", flat=True)
    types = SyncJobType.objects.filter(Q(source_connector=None) | Q(source_connector__slug__in=LOCAL)).order_by("id")
    return {
        "jobs/job_id": [job.pk for job in jobs.values()],
        "failures/fingerprint": sorted(set(failed)),
        "rejects/reject_id": rejects,
        "job-types/slug": list(types.values_list("slug", flat=True)),
        "versions/number": [1],
        "connectors/slug": list(LOCAL),
        "streams/name": ["orders"],
        "webhooks/webhook_id": webhooks,
        "chains/chain_id": chains,
        "audit/entry_id": entries,
        "schedules/schedule_id": schedules,
        "tokens/token_id": tokens,
        "examples": _examples(jobs, rejects),
    }


def _examples(jobs: dict[str, SyncJob], rejects: list[int]) -> dict[str, dict[str, Any]]:
    """{operation: what it does its work with}, where the first known value would not do."""
    types = "/api/v1/job-types/"
    return {
        **{
            f"{way} /api/v1/jobs/{{job_id}}/{verb}/": {"job_id": jobs[name].pk}
            for verb, name in JOBS_FOR.items()
            for way in ("GET", "POST")
        },
        "POST /api/v1/connectors/": {"body": {"slug": "made", "kind": "sqlite", "config": {"path": "made.sqlite3"}}},
        "POST /api/v1/connectors/{slug}/sync/": {"body": {"job_types": ["returns"]}},
        "DELETE /api/v1/connectors/{slug}/": {"slug": "archive"},
        f"POST {types}": {"body": TYPE | {"slug": "made"}},
        f"DELETE {types}{{slug}}/": {"slug": "leftovers"},
        f"POST {types}{{slug}}/cursor/": {"slug": "refunds", "body": {"entry": None}},
        f"POST {types}{{slug}}/schemas/accept/": {"slug": "prices", "body": {}},
        "GET /api/v1/records/": {"type": "stock", "key": "SKU-0015"},
        "POST /api/v1/rejects/dismiss/": {"body": {"rejects": rejects[:1], "reason": "known"}},
        "POST /api/v1/rejects/replay/": {"body": {"rejects": rejects[1:2]}},
        "POST /api/v1/schedules/": {"body": {"job_type": "orders", "name": "Made", "every": 3600}},
    }
