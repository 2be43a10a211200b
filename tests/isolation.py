"""Gives each test process a data directory of its own before Django's settings load. A pytest plugin.

Everything lies in .pytest_tmp of the checkout. The variables a developer may have set are put aside, and no name server
is asked, for one may never answer.
"""

import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SCRATCH = CHECKOUT / ".pytest_tmp"
FOREIGN = [
    *("ALLOWED_HOSTS", "CELERY_BROKER_URL", "CHICAGO_API_TOKEN", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL", "DEBUG"),
    *("EMAIL_URL", "HOST", "LOG_DIR", "PORT", "REDIS_URL", "SECRET_KEY", "SYNCDECK_APPS", "SYNCDECK_CRASH_AT"),
    *("SYNCDECK_FILE_ROOTS", "SYNCDECK_LEASE_SECONDS", "SYNCDECK_NETWORK_ALLOW", "SYNCDECK_PROXIES"),
    *("SYNCDECK_QUEUES", "SYNCDECK_SECRET_KEYS", "TIME_ZONE", "WAREHOUSE_URL"),
]

if sys.dont_write_bytecode:
    # Or else each of some hundred processes would compile all of Syncdeck, and each test process all tests.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(CHECKOUT / ".pytest_cache" / "bytecode")
for name in FOREIGN:
    os.environ.pop(name, None)
SCRATCH.mkdir(exist_ok=True)
DATA_DIR = Path(tempfile.mkdtemp(prefix="data-", dir=SCRATCH))
os.environ["SYNCDECK_DATA_DIR"] = str(DATA_DIR)
# The process that started this one for a share of the tests has set it already.
SHARED = Path(os.environ.setdefault("SYNCDECK_TESTS_SHARE", str(DATA_DIR))) / "shared"
SHARED.mkdir(exist_ok=True)
os.environ["PYTEST_DEBUG_TEMPROOT"] = str(SCRATCH)
# Workers that are killed on purpose leave temporary directories; these belong into the checkout, too.
(SCRATCH / "tmp").mkdir(exist_ok=True)
os.environ["TMPDIR"] = str(SCRATCH / "tmp")
tempfile.tempdir = None
# Processes that tests start do not wait long for a name server that may not answer.
os.environ["RES_OPTIONS"] = "timeout:1 attempts:1"
os.environ["SYNCDECK_NETWORK_ALLOW"] = "127.0.0.0/8,::1"
os.environ["SYNCDECK_APPS"] = "tests.acme"  # the example app of docs/controllers.md


def _know_only_this_machine(event: str, arguments: tuple[object, ...]) -> None:
    """Let every name of another machine be unknown, at once: no test waits for a name server, or trusts in one."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = str(arguments[0] or "localhost")
        if host not in ("localhost", socket.gethostname()) and not _is_address(host):
            raise socket.gaierror(socket.EAI_NONAME, f"tests know no other machine, so not {host}")


def _is_address(host: str) -> bool:
    for read in (socket.inet_aton, ipaddress.ip_address):  # the first also reads 127.1, 0x7f.1 and the like
        with suppress(OSError, ValueError):
            read(host)
            return True
    return False


sys.addaudithook(_know_only_this_machine)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove this process's data directory."""
    shutil.rmtree(DATA_DIR, ignore_errors=True)
