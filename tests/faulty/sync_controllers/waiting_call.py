"""Asks a slow HTTP server, in bypass mode and with nothing but `requests`, so that nobody can end the wait."""

from typing import Any

import requests

from syncjobs.controllers.base import JobHandle
from tests.acme.models import Customer


def execute(sync_job: JobHandle, source_doc: Customer) -> dict[str, Any]:
    requests.get(sync_job.get_context()["url"], timeout=60)
    sync_job.raise_if_stopped()
    return {"target_doc": source_doc.number, "operation": "insert", "diff": {"number": [None, source_doc.number]}}
