"""What an API token may be limited to. Pure."""

from __future__ import annotations

RUNS_READ, RUNS_WRITE = "runs:read", "runs:write"
CONFIG_READ, CONFIG_WRITE = "config:read", "config:write"
DATA_DELETE, AUDIT_READ = "data:delete", "audit:read"

SCOPES = {
    RUNS_READ: "See jobs with their changes, rejects and logs",
    RUNS_WRITE: "Start jobs and decide about them",
    CONFIG_READ: "See connectors, job types and schedules",
    CONFIG_WRITE: "Change connectors, job types and schedules",
    DATA_DELETE: "Delete records of targets",
    AUDIT_READ: "See who did what",
}
"""Each scope, and what it lets a token do as far as its owner may do it."""
