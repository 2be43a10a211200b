"""Does what no controller should, as the context says."""

import os
import signal
import sys
from typing import Any

from syncjobs.controllers.base import JobHandle
from tests.acme.models import Customer, SAPCustomer


class Unheard(BaseException):
    """Not even an Exception."""


def get_target_document(sync_job: JobHandle, source_doc: Customer) -> Any:
    return 7 if sync_job.get_context()["fault"] == "no_dict" else {"operation": "insert"}


def update_target_doc(sync_job: JobHandle, source_doc: Customer, target_doc: SAPCustomer) -> None:
    target_doc.number, target_doc.name = source_doc.number, source_doc.name


def after_sync(sync_job: JobHandle, source_doc: Customer, target_doc: SAPCustomer) -> None:
    fault = sync_job.get_context()["fault"]
    if fault == "exception":
        raise RuntimeError("somebody should look at this")
    if fault == "base_exception":
        raise Unheard("nobody catches me")
    if fault == "exit":
        sys.exit(3)
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "flood":
        for number in range(20_000):
            sync_job.log("WARNING", f"line {number}")
    while fault == "endless":
        pass
