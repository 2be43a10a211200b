"""Keeps each customer as a contact of the newsletter service, an HTTP API. Bypass mode."""

from typing import Any

import requests

from connectors.errors import ConfigError, RateLimitedError, TransientError
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.statuses import Status
from tests.acme.models import Customer

config_schema = {
    "type": "object",
    "properties": {"base_url": {"type": "string"}},
    "required": ["base_url"],
}


def execute(sync_job: JobHandle, source_doc: Customer) -> dict[str, Any] | Outcome:
    if sync_job.source_is_deleted:
        return Outcome(Status.NO_TARGET, "the customer was deleted")
    url = f"{sync_job.config['base_url']}/contacts/{source_doc.number}"
    found = call("GET", url)
    old = {} if found.status_code == 404 else found.json()
    new = {"name": source_doc.name, "email": source_doc.email}
    diff = {name: [old.get(name), value] for name, value in new.items() if old.get(name) != value}
    if diff and not sync_job.dry_run:
        sync_job.raise_if_stopped()
        call("PUT", url, json=new)
    return {"target_doc": source_doc.number, "operation": "update" if old else "insert", "diff": diff}


def call(method: str, url: str, **options: Any) -> requests.Response:
    """Any answer below 400, and 404; every failure as an error that says whether a retry can help."""
    try:
        answer = requests.request(method, url, timeout=10, **options)
    except requests.RequestException as error:
        raise TransientError("no_answer", f"the newsletter service does not answer: {error}") from error
    if answer.status_code == 429:
        seconds = float(answer.headers.get("Retry-After", 60))
        raise RateLimitedError("busy", "the newsletter service asks us to wait", retry_after=seconds)
    if answer.status_code >= 500:
        raise TransientError("server_error", f"the newsletter service answered {answer.status_code}")
    if answer.status_code >= 400 and answer.status_code != 404:
        raise ConfigError("refused", f"the newsletter service answered {answer.status_code}", hint="Look at base_url.")
    return answer
