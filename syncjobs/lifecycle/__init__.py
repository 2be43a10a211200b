"""The only writers of a job's status: create, move, claim, admit, lease. Knows no broker and no controller."""

from syncjobs.lifecycle.actions import allowed_actions
from syncjobs.lifecycle.admission import Admitted, admit_job, admit_jobs
from syncjobs.lifecycle.claims import claim_job
from syncjobs.lifecycle.creation import NewJob, create_children, create_job
from syncjobs.lifecycle.endings import end_attempt, fail_attempt, release_job
from syncjobs.lifecycle.leases import reap_expired_leases, renew_lease
from syncjobs.lifecycle.moves import StatusConflict, move_job
from syncjobs.lifecycle.retrying import requeue_due_retries

__all__ = [
    "Admitted",
    "NewJob",
    "StatusConflict",
    "admit_job",
    "admit_jobs",
    "allowed_actions",
    "claim_job",
    "create_children",
    "create_job",
    "end_attempt",
    "fail_attempt",
    "move_job",
    "reap_expired_leases",
    "release_job",
    "renew_lease",
    "requeue_due_retries",
]
