"""Shows the log lines of several children in one stream, each behind its child's name, coloured on a terminal."""

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO, TextIO

COLOURS = (36, 33, 32, 35, 34, 31)
RED, BOLD = 31, 1
NAME_WIDTH = 10
LONGEST_LINE = 4000


class LogStream:
    """One output for all children; safe to use from several threads."""

    def __init__(self, output: TextIO) -> None:
        self.output = output
        self.is_coloured = output.isatty() and "NO_COLOR" not in os.environ
        self.lock = threading.Lock()
        self.colours: dict[str, int] = {}
        self.threads: list[threading.Thread] = []

    def say(self, name: str, text: str) -> None:
        """Write the text's lines behind the name. Output that nobody can read any more stops nothing."""
        colour = self.colours.setdefault(name, COLOURS[len(self.colours) % len(COLOURS)])
        prefix = self.paint(f"{name:<{NAME_WIDTH}} |", colour)
        with self.lock:
            try:
                for line in text.splitlines():
                    print(prefix, line[:LONGEST_LINE], file=self.output)
                self.output.flush()
            except (OSError, ValueError):
                return

    def paint(self, text: str, colour: int) -> str:
        """Return the text in a colour where there is a terminal."""
        return f"\033[{colour}m{text}\033[0m" if self.is_coloured else text

    def follow(self, name: str, lines: IO[bytes], hidden: Sequence[str] = ()) -> threading.Thread:
        """Begin to show a child's lines, but those with a hidden text, in a thread that ends with them."""
        thread = threading.Thread(target=self._copy, args=(name, lines, hidden), name=f"log of {name}", daemon=True)
        thread.start()
        self.threads = [other for other in self.threads if other.is_alive()] + [thread]
        return thread

    def finish(self, seconds: float) -> None:
        """Wait until what the children said last is shown, at most that long: a line may be held by who lives on."""
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _copy(self, name: str, lines: IO[bytes], hidden: Sequence[str]) -> None:
        with lines:
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip()
                if not any(part in text for part in hidden):
                    self.say(name, humanise(text))


def humanise(line: str) -> str:
    """Return a JSON log line as a person reads it: time, level, message, other fields; any other line as it is."""
    try:
        record = json.loads(line)
        time, level, message = record.pop("time"), record.pop("level"), record.pop("message")
    except (ValueError, AttributeError, KeyError, TypeError):
        return line
    record.pop("logger", None)
    traceback = record.pop("traceback", None)
    fields = " ".join(f"{name}={value}" for name, value in record.items())
    head = " ".join(filter(None, (str(time)[11:19], str(level), str(message), fields)))
    return f"{head}\n{traceback}" if traceback else head


def standard_stream() -> LogStream:
    """Return the stream of this process's standard output."""
    return LogStream(sys.stdout)
