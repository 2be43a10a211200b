"""Where log lines for people and collectors go. Knows streams only: it is loaded before the settings are."""

import logging
import sys
from typing import TextIO


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes to stderr, since a command's stdout belongs to its answer; servers move it to stdout."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)


def send_console_to_stdout() -> None:
    """Let the log lines of a long-running server go to stdout, where collectors look for them."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, ConsoleHandler):
            handler.setStream(sys.stdout)
