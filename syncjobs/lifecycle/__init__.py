"""The only writers of a job's status: create, move, claim, admit, lease. Knows no broker and no controller."""

from syncjobs.lifecycle.actions import allowed_actions, plain_actions, statuses_that_allow
from syncjobs.lifecycle.admission import Admitted, admit_job, admit_jobs, withdraw_admission
from syncjobs.lifecycle.children import create_children
from syncjobs.lifecycle.claims import claim_job
from syncjobs.lifecycle.creation import NewJob, create_job
from syncjobs.lifecycle.deleting import delete_rows
from syncjobs.lifecycle.endings import end_attempt, fail_attempt, release_job
from syncjobs.lifecycle.leases import reap_expired_leases, renew_lease
from syncjobs.lifecycle.moves import StatusConflict, move_job, move_jobs
from syncjobs.lifecycle.requests import request_cancel, request_pause, settle_requests, withdraw_pause
from syncjobs.lifecycle.restarting import RESTARTED, restart
from syncjobs.lifecycle.retrying import requeue_due_retries
from syncjobs.lifecycle.wait_reasons import explain_waits, wait_text

__all__ = [
    "RESTARTED",
    "Admitted",
    "NewJob",
    "StatusConflict",
    "admit_job",
    "admit_jobs",
    "allowed_actions",
    "claim_job",
    "create_children",
    "create_job",
    "delete_rows",
    "end_attempt",
    "explain_waits",
    "fail_attempt",
    "move_job",
    "move_jobs",
    "plain_actions",
    "reap_expired_leases",
    "release_job",
    "renew_lease",
    "request_cancel",
    "request_pause",
    "requeue_due_retries",
    "restart",
    "settle_requests",
    "statuses_that_allow",
    "wait_text",
    "withdraw_admission",
    "withdraw_pause",
]
