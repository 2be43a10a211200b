"""Every page of the portal with an example, by the names of its URL map: who adds a page gives an example here.

Labels are a name of the map, and behind a blank what the example shows. "login" is for who is not logged in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import Group, User
from django.urls import URLResolver, reverse

from syncjobs.models import ApiToken, AuditEvent, Chain, Change, Reject, Schedule, SyncJob, Webhook
from syncjobs.portal.sites import portal_site

POSTED_ONLY = frozenset(
    {"job_start", "job_resume", "job_retry", "job_pause", "jobs_act", "failure_retry", "reject_replay"}
    | {"reject_dismiss", "job_type_resume", "controller_add", "connector_test", "schedule_switch", "logout"}
    | {"job_approve", "job_retry_children", "job_type_switch", "schedule_run", "schedule_preview"}
    | {"webhook_switch", "webhook_drop", "webhook_test"}
)
NO_PAGES = frozenset(
    {"job_changes_download", "job_log_download", "reject_records_download", "jsi18n", "autocomplete", "view_on_site"}
)
STATUSES = (
    *("finished", "held", "failed", "error", "planned", "approved", "conflicting"),
    *("canceled", "relayed", "queued", "started", "unmeasured"),
)
OF_A_TYPE = ("page", "edit", "run", "pause", "cursor", "versions", "restart", "backfill", "delete")
OF_A_CONNECTOR = ("page", "edit", "sync", "streams", "delete", "grants")
OF_A_WEBHOOK = ("page", "edit", "rotate", "delete")
PLAIN = (
    *("index", "search", "job_list", "failure_list", "record_history", "reject_list", "reject_records"),
    *("job_type_list", "job_type_add", "job_type_choose", "connector_list", "connector_add", "worker_list"),
    *("schedule_list", "schedule_add", "schedule_calendar", "password_change", "password_change_done"),
    *("auth_user_changelist", "auth_user_add", "auth_group_changelist", "auth_group_add"),
    *("token_list", "token_add", "audit_list"),
)


def page_names() -> set[str]:
    """The names in the portal's URL map that answer with a page."""
    return set(_names(portal_site.get_urls())) - POSTED_ONLY - NO_PAGES


def _names(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def addresses(jobs: dict[str, SyncJob]) -> dict[str, str]:
    """The examples by their labels, in the made-up company whose jobs these are."""
    found = {name: _at(name) for name in PLAIN}
    found |= _of_jobs(jobs) | _of_triggers() | _of_the_rest()
    found |= {f"job_type_{name}": _at(f"job_type_{name}", "orders") for name in OF_A_TYPE}
    found |= {f"connector_{name}": _at(f"connector_{name}", "shop") for name in OF_A_CONNECTOR}
    found |= {f"job_type_{name}": _at(f"job_type_{name}", "stock") for name in ("delete", "backfill")}
    found |= {f"job_type_{name} refused": _at(f"job_type_{name}", "orders") for name in ("delete", "backfill")}
    found |= {"connector_delete": _at("connector_delete", "archive")}
    found |= {"connector_delete refused": _at("connector_delete", "shop")}
    found["connector_stream"] = f"{_at('connector_stream', 'shop')}?{urlencode({'name': 'orders'})}"
    found["connector_page failing"] = _at("connector_page", "sap")
    found["connector_add kind"] = f"{found['connector_add']}?kind=postgres"
    found |= {f"connector_add {kind}": f"{found['connector_add']}?kind={kind}" for kind in ("rest", "soda")}
    found["job_type_rewind"] = f"{_at('job_type_rewind', 'orders')}?stream=orders&entry=start"
    found["job_type_version_use"] = _at("job_type_version_use", "orders", 1)
    found["job_type_accept_schema"] = f"{_at('job_type_accept_schema', 'permits')}?stream=permits"
    found["job_type_page drifted"] = _at("job_type_page", "permits")
    found["job_type_page documents"] = _at("job_type_page", "sap-customer-sync")
    found["job_type_run document"] = _at("job_type_run", "sap-customer-sync")
    found["job_list failed"] = f"{found['job_list']}?status=failed"
    found["job_list empty"] = f"{found['job_list']}?q=nothing-has-this-title"
    found["search found"] = f"{found['search']}?q=1001"
    key = {"type": "orders/orders", "key": "1001"}
    found["record_history found"] = f"{found['record_history']}?{urlencode(key)}"
    return found


def _of_jobs(jobs: dict[str, SyncJob]) -> dict[str, str]:
    found = {f"job_page {status}": _at("job_page", jobs[status].pk) for status in STATUSES}
    tabs = ("changes", "log", "attempts", "config", "restart", "delete", "revert", "children", "conflicts", "rejects")
    shown = {"children": "relayed", "conflicts": "conflicting", "rejects": "error", "attempts": "failed"}
    shown |= {"revert": "revertible"}
    found |= {f"job_{tab}": _at(f"job_{tab}", jobs[shown.get(tab, "finished")].pk) for tab in tabs}
    asked = {"cancel": "started", "discard": "held", "apply": "approved", "cancel_children": "relayed"}
    found |= {f"job_{verb}": _at(f"job_{verb}", jobs[status].pk) for verb, status in asked.items()}
    found |= {"job_revert refused": _at("job_revert", jobs["finished"].pk)}
    change = Change.objects.filter(job=jobs["finished"]).order_by("id")[:1].get()
    return found | {"job_change": _at("job_change", change.job_id, change.pk)}


def _of_triggers() -> dict[str, str]:
    webhook, chain = Webhook.objects.get(), Chain.objects.get()
    found = {f"{name}_add": _at(f"{name}_add", "orders") for name in ("webhook", "chain")}
    found |= {f"webhook_{name}": _at(f"webhook_{name}", "orders", webhook.pk) for name in OF_A_WEBHOOK}
    return found | {f"chain_{name}": _at(f"chain_{name}", "orders", chain.pk) for name in ("edit", "delete")}


def _of_the_rest() -> dict[str, str]:
    failed = SyncJob.objects.filter(failure_fingerprint__isnull=False)[:1].get()
    schedule, reject = Schedule.objects.order_by("id")[:1].get(), Reject.objects.order_by("id")[:1].get()
    found = {f"schedule_{name}": _at(f"schedule_{name}", schedule.pk) for name in ("page", "edit", "delete")}
    found |= {"reject_page": _at("reject_page", reject.pk)}
    found |= {"audit_entry": _at("audit_entry", AuditEvent.objects.order_by("id")[:1].get().pk)}
    found |= {"failure_page": _at("failure_page", failed.failure_fingerprint)}
    found |= {"app_list": _at("app_list", "auth"), "login": _at("login")}
    found |= {"token_revoke": _at("token_revoke", ApiToken.objects.order_by("id")[:1].get().pk)}
    user, group = User.objects.order_by("id")[:1].get(), Group.objects.order_by("id")[:1].get()
    found |= {f"auth_user_{name}": _at(f"auth_user_{name}", user.pk) for name in ("change", "history", "delete")}
    found |= {f"auth_group_{name}": _at(f"auth_group_{name}", group.pk) for name in ("change", "history", "delete")}
    return found | {"auth_user_password_change": _at("auth_user_password_change", user.pk)}


def _at(name: str, *values: object) -> str:
    return reverse(f"admin:{name}", args=values)
