"""What the terminal shows of the children's lines."""

import io
import json
import os
import threading
import time

import pytest

from syncjobs.supervision.output import LogStream, humanise


def test_json_line_is_shown_as_a_person_reads_it() -> None:
    line = {
        "time": "2026-11-23T02:00:03.120+00:00",
        "level": "INFO",
        "logger": "x",
        "message": "Batch done.",
        "sync_id": 7,
    }
    assert humanise(json.dumps(line)) == "02:00:03 INFO Batch done. sync_id=7"


def test_traceback_keeps_its_lines() -> None:
    line = {"time": "2026-11-23T02:00:03", "level": "ERROR", "message": "No.", "traceback": "a\nb"}
    assert humanise(json.dumps(line)) == "02:00:03 ERROR No.\na\nb"


@pytest.mark.parametrize("line", ["plain text", "{broken", "[1, 2]", "7", '{"message": "no time"}', ""])
def test_any_other_line_is_shown_as_it_is(line: str) -> None:
    assert humanise(line) == line


def test_every_line_stands_behind_its_name_without_colours_off_a_terminal() -> None:
    output = io.StringIO()
    LogStream(output).say("web", "one\ntwo")
    assert output.getvalue() == "web        | one\nweb        | two\n"


def test_output_nobody_reads_stops_nothing() -> None:
    output = io.StringIO()
    stream = LogStream(output)
    output.close()
    stream.say("web", "one")


def test_last_lines_of_a_child_are_waited_for_but_not_for_ever() -> None:
    output = io.StringIO()
    stream = LogStream(output)
    reading, writing = os.pipe()
    stream.follow("web", os.fdopen(reading, "rb"))
    with os.fdopen(writing, "wb") as end:
        began = time.monotonic()
        stream.finish(0.2)
        assert 0.2 <= time.monotonic() - began < 10
        end.write(b"bye\n")
        closing = threading.Timer(0.3, end.close)
        closing.start()
        stream.finish(20)
        closing.join()
    assert output.getvalue() == "web        | bye\n"
