"""Acme's sync job types. Run it once: manage.py shell -c "from acme.sync_job_types import *; make_sync_job_types()"."""

from typing import Any

from syncjobs.models import SyncJobType
from syncjobs.operations.job_types import job_type_from_shape, save_job_type

CUSTOMER, SAP_CUSTOMER = "acme.Customer", "acme.SAPCustomer"
SHAPES: list[dict[str, Any]] = [
    {
        "slug": "sap-customer-sync",
        "name": "SAP Customer Sync",
        "controller": "sap_customer_sync",
        "source_document_type": CUSTOMER,
        "target_document_type": SAP_CUSTOMER,
    },
    {
        "slug": "sap-customer-cleanup",
        "name": "SAP Customer Cleanup",
        "controller": "sap_customer_cleanup",
        "source_document_type": CUSTOMER,
        "target_document_type": SAP_CUSTOMER,
        "keep_tombstones": True,
    },
]


def make_sync_job_types() -> list[SyncJobType]:
    return [save_job_type(job_type_from_shape(shape), actor="acme") for shape in SHAPES]
