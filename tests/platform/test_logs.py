"""Log files: JSON lines, jobs apart from the rest, no secret, and no failure of the work they tell of."""

import contextlib
import json
import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.logs import ForgivingFileHandler, JsonFormatter
from connectors.secrets import remember_secret
from syncjobs.log_context import bind
from tests.platform.test_environment import run_manage


@pytest.fixture
def log_dir(tmp_path: Path) -> Iterator[Path]:
    """A directory into which the root logger writes as it does under `up`."""
    code = "import json; from django.conf import settings; print(json.dumps(settings.LOGGING))"
    outcome = run_manage("shell", "--no-imports", "-c", code, LOG_DIR=str(tmp_path))
    before = logging.getLogger().handlers[:]
    logging.config.dictConfig(json.loads(outcome.stdout) | {"loggers": {}})
    yield tmp_path
    for handler in logging.getLogger().handlers:
        handler.close()
    logging.getLogger().handlers[:] = before


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the file's lines, decoded; none where there is no file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_lines_of_a_job_go_to_etl_log_with_its_id_and_all_others_to_api_log(log_dir: Path) -> None:
    logger = logging.getLogger("syncjobs.anything")
    logger.info("Web server is up.")
    with bind(sync_id=7, attempt=2):
        logger.info("Attempt began.")
        logger.info("Batch done.", extra={"batch": 3})
    logger.warning("Sent.", extra={"sync_id": 8})
    etl, api = read_lines(log_dir / "etl.log"), read_lines(log_dir / "api.log")
    assert [(line["message"], line["sync_id"], line.get("attempt"), line.get("batch")) for line in etl] == [
        ("Attempt began.", 7, 2, None),
        ("Batch done.", 7, 2, 3),
        ("Sent.", 8, None, None),
    ]
    assert [line["message"] for line in api] == ["Web server is up."]
    assert {"time", "level", "logger"} <= set(etl[0])


def test_no_secret_reaches_a_line_in_message_field_or_traceback(log_dir: Path) -> None:
    secret = 'p"ss\\wörd-of-the-house'
    remember_secret(secret)
    logger = logging.getLogger("syncjobs.anything")
    try:
        raise ValueError(secret)
    except ValueError:
        logger.exception("Connecting with %s failed.", secret, extra={"sync_id": 1, "address": {"user": secret}})
    (line,) = read_lines(log_dir / "etl.log")
    assert secret not in json.dumps(line, ensure_ascii=False)
    assert "ValueError" in line["traceback"]
    assert secret not in str(line)
    assert "wörd-of-the-house" not in (log_dir / "etl.log").read_text(encoding="utf-8")


def test_strange_characters_do_not_cost_the_line(tmp_path: Path) -> None:
    handler = ForgivingFileHandler(str(tmp_path / "etl.log"))
    handler.setFormatter(JsonFormatter())
    # Straight to the handler: pytest's own capture could not send a lone surrogate between processes.
    handler.handle(logging.makeLogRecord({"msg": "key %s", "args": ("a\ud800b\0c\nd",), "sync_id": 1}))
    handler.close()
    (line,) = read_lines(tmp_path / "etl.log")
    assert line["message"] == "key a\\ud800b\0c\nd"


def test_rotated_file_is_begun_anew(log_dir: Path) -> None:
    logging.getLogger("x").info("first")
    (log_dir / "api.log").rename(log_dir / "api.log.1")
    logging.getLogger("x").info("second")
    assert [line["message"] for line in read_lines(log_dir / "api.log")] == ["second"]


@pytest.mark.parametrize("target", ["/dev/full", "/proc/no/such/place/etl.log"])
def test_log_file_that_cannot_be_written_costs_lines_but_no_work(
    target: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    link = tmp_path / "etl.log"
    link.symlink_to(target)
    handler = ForgivingFileHandler(str(link))
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("tests.full_disk")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        for number in range(3):
            logger.info("line %s", number)
    finally:
        logger.removeHandler(handler)
        with contextlib.suppress(OSError):  # As logging.shutdown does at a process's end.
            handler.close()
    complaints = capsys.readouterr().err.splitlines()
    assert len(complaints) == 1
    assert complaints[0].startswith(f"Cannot write the log file {link}")
