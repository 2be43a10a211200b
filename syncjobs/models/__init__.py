"""The tables of the portal, one module a family."""

from syncjobs.models.access import ApiToken, IdempotencyKey, RequestCount
from syncjobs.models.audit import AuditEvent
from syncjobs.models.chains import Chain, ChainStart
from syncjobs.models.changes import Change, JobBatch
from syncjobs.models.inbox import InboxEntry
from syncjobs.models.job_types import JobTypeVersion, SyncJobType
from syncjobs.models.jobs import Attempt, JobEvent, JobLog, SyncJob
from syncjobs.models.plans import Conflict, Plan
from syncjobs.models.rejects import Reject
from syncjobs.models.schedules import Schedule, StreamCursor
from syncjobs.models.seeds import SeededDefault
from syncjobs.models.tombstones import Tombstone
from syncjobs.models.watching import ProgramSeen, SchemaSnapshot, WorkerSeen
from syncjobs.models.webhooks import Webhook, WebhookDelivery

__all__ = [
    "ApiToken",
    "Attempt",
    "AuditEvent",
    "Chain",
    "ChainStart",
    "Change",
    "Conflict",
    "IdempotencyKey",
    "InboxEntry",
    "JobBatch",
    "JobEvent",
    "JobLog",
    "JobTypeVersion",
    "Plan",
    "ProgramSeen",
    "Reject",
    "RequestCount",
    "Schedule",
    "SchemaSnapshot",
    "SeededDefault",
    "StreamCursor",
    "SyncJob",
    "SyncJobType",
    "Tombstone",
    "Webhook",
    "WebhookDelivery",
    "WorkerSeen",
]
