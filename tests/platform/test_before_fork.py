"""What a worker does before it forks: it leaves out what pages need, and is not stopped by what is missing."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
GLIBC = "glibc" in platform.libc_ver()
LOAD = (
    "import sys, config.__main__ as programs; programs.leave_out_what_pages_need();"
    "programs.app.loader.import_default_modules();"
)


def run_python(code: str, **environment: str) -> str:
    """What the code prints in a new process."""
    command, variables = [sys.executable, "-c", LOAD + code], os.environ | {"SYNCDECK_APPS": ""} | environment
    answer = subprocess.run(command, cwd=CHECKOUT, env=variables, check=True, capture_output=True, text=True)
    return answer.stdout


def test_worker_loads_no_error_page_and_its_logging_is_ours() -> None:
    loaded, *handlers = run_python(
        "import logging; print('django.views.debug' in sys.modules);"
        "print(*(type(one).__name__ for one in logging.getLogger().handlers));"
        "print(logging.getLogger('django.request').getEffectiveLevel())"
    ).splitlines()
    assert loaded == "False"
    assert handlers == ["ConsoleHandler", "20"]


def test_worker_reads_schedules_of_any_zone_without_a_list_of_all() -> None:
    field = "from django_celery_beat.models import CrontabSchedule as Rule;"
    code = field + "print(len(Rule._meta.get_field('timezone').choices), repr(Rule(timezone='Asia/Tokyo').timezone))"
    assert run_python(code).split(maxsplit=1) == ["1", "zoneinfo.ZoneInfo(key='Asia/Tokyo')\n"]


def test_worker_starts_without_its_database_and_shares_what_it_loaded() -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nowhere?connect_timeout=1"
    code = "programs.touch_what_jobs_need(); import gc; print(gc.get_freeze_count() > 10_000)"
    assert run_python(code, DATABASE_URL=nowhere) == "True\n"


@pytest.mark.skipif(not GLIBC, reason="only glibc can be asked for it")
def test_freed_memory_goes_back_to_the_system_although_something_lies_above_it() -> None:
    code = (
        "from syncjobs.free_memory import return_free_memory;"
        "resident = lambda: int(open('/proc/self/statm').read().split()[1]) * 4;"
        "blocks = [bytes(1000) for _ in range(50_000)]; above = bytes(1000); blocks.clear(); before = resident();"
        "return_free_memory(); print(before - resident() > 30_000)"
    )
    assert run_python(code) == "True\n"


@pytest.mark.skipif(not GLIBC, reason="only glibc can be asked for it")
def test_large_values_leave_no_holes_behind_when_they_are_freed() -> None:
    code = (
        "import django; django.setup();"
        "resident = lambda: int(open('/proc/self/statm').read().split()[1]) * 4;"
        "large = bytes(16_000_000); del large; before = resident();"
        "values = [bytes(bytearray(1_000_000)) for _ in range(50)]; kept = values[::10]; values.clear();"
        "print(resident() - before < 15_000)"
    )
    assert run_python(code) == "True\n"
