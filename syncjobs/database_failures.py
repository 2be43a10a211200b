"""What Syncdeck's own database refused, or could not be asked, as an error of ours that may pass."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError

from connectors.errors import TransientError

UNDONE = {"40P01": "deadlock", "40001": "serialization"}  # SQLSTATE: code; the whole transaction may be tried again


def database_failure(error: DatabaseError | InterfaceError) -> TransientError:
    """The error with a sentence and the way out."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    if code := UNDONE.get(getattr(error.__cause__, "sqlstate", None) or ""):
        message = f"others changed the same rows of Syncdeck's own database: {text}"
        return TransientError(code, message, hint="A further attempt usually helps.")
    message = f"Syncdeck's own database refused: {text}"
    return TransientError("state_database", message, hint="Look at its log and its disk; then retry.")
