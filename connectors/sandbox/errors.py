"""What the sandbox answers when it refuses a request, worded and coded as Socrata does; knows no HTTP server."""

from __future__ import annotations

from collections.abc import Mapping


class SandboxError(Exception):
    """The sandbox cannot start or change its data; the text is one sentence for a person."""


class SodaError(Exception):
    """A refused request: HTTP status, Socrata's error code, one sentence, and what it is about."""

    def __init__(self, status: int, code: str, message: str, data: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.data = dict(data or {})

    def to_json(self) -> dict[str, object]:
        """Both spellings of the code, because Socrata's own services use either."""
        return {
            "message": self.message,
            "errorCode": self.code,
            "code": self.code,
            "error": True,
            "data": self.data,
        }


def malformed_query(message: str) -> SodaError:
    return SodaError(400, "query.compiler.malformed", f"Could not parse SoQL query: {message}")


def no_such_column(name: str) -> SodaError:
    return SodaError(400, "query.soql.no-such-column", f"No such column: {name}", {"column": name})


def type_mismatch(message: str) -> SodaError:
    return SodaError(400, "query.soql.type-mismatch", f"Type mismatch: {message}")


def missing_dataset(name: str) -> SodaError:
    return SodaError(404, "dataset.missing", "Not found", {"id": name})


def invalid_request(message: str) -> SodaError:
    return SodaError(400, "invalid_request", message)
