"""Turns what Django and the database say of a document that does not fit into errors for an operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import FieldError, ValidationError
from django.db import DataError as DatabaseDataError
from django.db import IntegrityError, models

from connectors.errors import DataError, SyncError

HINT = "Correct the source document or the controller, then retry."


@contextmanager
def refusals_explained(document_type: str, document: models.Model) -> Iterator[None]:
    """Raise DataError naming document, field and constraint for whatever the model or the database refuses."""
    who = document_type if document.pk is None else f"{document_type} {document.pk}"
    try:
        yield
    except SyncError:
        raise
    except ValidationError as error:
        raise _refusal("validation", who, _validation_text(error)) from None
    except IntegrityError as error:
        raise _refusal(_constraint_code(error), who, str(error).splitlines()[0]) from None
    except (DatabaseDataError, FieldError, ValueError, TypeError, OverflowError) as error:
        raise _refusal("invalid_value", who, str(error).splitlines()[0]) from error


@contextmanager
def constraints_explained(document_type: str) -> Iterator[None]:
    """The same for what a hook writes by itself, and for constraints that are checked at the commit only."""
    try:
        yield
    except IntegrityError as error:
        message = f"{document_type}: the database refused the transaction: {str(error).splitlines()[0]}"
        raise DataError(_constraint_code(error), message, hint=HINT) from error


def _validation_text(error: ValidationError) -> str:
    if hasattr(error, "error_dict"):
        return "; ".join(f"{field}: {' '.join(found)}" for field, found in error.message_dict.items())
    return "; ".join(error.messages)


def _constraint_code(error: IntegrityError) -> str:
    # SQLSTATE class 23 (https://www.postgresql.org/docs/current/errcodes-appendix.html), SQLite by its words.
    by_state = {"23502": "not_null", "23503": "foreign_key", "23505": "unique", "23514": "check"}
    if code := by_state.get(getattr(error.__cause__, "sqlstate", None) or ""):
        return code
    text = str(error).lower()
    words = {"not null": "not_null", "foreign key": "foreign_key", "unique": "unique", "check": "check"}
    return next((code for word, code in words.items() if word in text), "constraint")


def _refusal(code: str, who: str, text: str) -> DataError:
    return DataError(code, f"{who} was refused: {text}", hint=HINT)
