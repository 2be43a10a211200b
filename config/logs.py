"""Log lines as JSON, without secrets, that never fail the work they tell of. Loaded by the LOGGING setting."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

from connectors.secrets import redact
from syncjobs.log_context import bound_fields

PLAIN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request"}
COMPLAINT_SECONDS = 60


class ContextFilter(logging.Filter):
    """Adds what the code is working for (sync_id, attempt, batch) to each line; what the line itself says wins."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in bound_fields().items():
            if name not in vars(record):
                setattr(record, name, value)
        return True


class JobFilter(logging.Filter):
    """Lets through the lines that belong to a job, or those that do not."""

    def __init__(self, *, wanted: bool) -> None:
        super().__init__()
        self.wanted = wanted

    def filter(self, record: logging.LogRecord) -> bool:
        return (getattr(record, "sync_id", None) is not None) is self.wanted


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, then the fields the line carries."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in PLAIN_ATTRIBUTES}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: clean(value) for name, value in line.items()}, ensure_ascii=False)


def clean(value: object) -> object:
    """Return the value as JSON can hold it, every text in it without secrets."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, dict):
        return {redact(str(name)): clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    # A lone surrogate cannot be written as UTF-8 and would cost the whole line.
    return redact(str(value)).encode("utf-8", "backslashreplace").decode("utf-8")


class ForgivingFileHandler(WatchedFileHandler):
    """Appends to a file that may be rotated. A full disk loses lines and says so on stderr, once a minute."""

    def __init__(self, filename: str) -> None:
        super().__init__(filename, encoding="utf-8", delay=True)
        self.complained_at = float("-inf")

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # From opening the file; a failed write ends in handleError by itself.
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        if time.monotonic() - self.complained_at < COMPLAINT_SECONDS:
            return
        self.complained_at = time.monotonic()
        reason = sys.exc_info()[1]
        print(f"Cannot write the log file {self.baseFilename}: {reason}", file=sys.stderr)  # noqa: T201
