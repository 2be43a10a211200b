"""A private PostgreSQL server for tests, from the server binaries of this machine. Touches no other server.

PostgreSQL refuses to run as root, so under root it runs as `postgres` or `nobody`; its files lie in a short temporary
directory that this user may enter, and go away with the server.
"""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from syncjobs.supervision.broker import SHORT_DIRECTORY
from syncjobs.supervision.guardian import is_group_alive
from syncjobs.supervision.supervisor import start_guardian

USER = "syncdeck"
PASSWORD = "only-for-tests"
START_SECONDS = 30
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60"}


def find_binaries() -> Path | None:
    """Return the folder with initdb and postgres, the newest version first; None where there is none."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    candidates = [*reversed(packaged), *([Path(on_path)] if on_path else [])]
    return next((path.parent for path in candidates if (path.parent / "postgres").exists()), None)


def account() -> dict[str, Any]:
    """Return the arguments that let subprocess run as somebody who is not root; nothing where we are not root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody.")


class PostgresServer:
    """A running server on 127.0.0.1; `dsn` and `create_database` are what tests use."""

    host = "127.0.0.1"
    user = USER
    password = PASSWORD

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.directory = Path(tempfile.mkdtemp(prefix="syncdeck-pg-", dir=SHORT_DIRECTORY))
        self.account = account()
        if self.account:
            os.chown(self.directory, self.account["user"], self.account["group"])
        self.names = itertools.count(1)
        with closing(socket.create_server((self.host, 0))) as listener:
            self.port = int(listener.getsockname()[1])
        try:
            self._initialise()
            self._start()
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def dsn(self, dbname: str = "postgres") -> str:
        """Return the URL of one of the server's databases."""
        return f"postgresql://{USER}:{PASSWORD}@{self.host}:{self.port}/{dbname}"

    def connect(self, dbname: str = "postgres") -> psycopg.Connection:
        """Return a connection in autocommit mode."""
        return psycopg.connect(self.dsn(dbname), autocommit=True)

    def create_database(self, name: str | None = None, *, template: str = "template1") -> str:
        """Create a database, empty or as a copy of `template`, and return its URL."""
        name = name or f"test_{os.getpid()}_{next(self.names)}"
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        with self.connect() as connection:
            connection.execute(query)
        return self.dsn(name)

    def drop_database(self, url: str) -> None:
        """Drop a database by its URL, whoever is still connected."""
        name = url.rpartition("/")[2]
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """End the server and remove its files."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.guardian.communicate(f"-{self.process.pid}\n")
        shutil.rmtree(self.directory, ignore_errors=True)

    def _initialise(self) -> None:
        password_file = self.directory / "password"
        password_file.write_text(PASSWORD, encoding="ascii")
        password_file.chmod(0o644)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        subprocess.run(
            [
                self.binaries / "initdb",
                "-D",
                self.directory / "data",
                "-U",
                USER,
                f"--pwfile={password_file}",
                *options,
            ],
            check=True,
            capture_output=True,
            cwd=self.directory,
            **self.account,
        )

    def _start(self) -> None:
        settings = FAST | {"listen_addresses": self.host, "port": str(self.port)}
        settings |= {"unix_socket_directories": str(self.directory)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.log = (self.directory / "log").open("wb")
        self.process = subprocess.Popen(
            [self.binaries / "postgres", "-D", self.directory / "data", *options],
            stdout=self.log,
            stderr=subprocess.STDOUT,
            cwd=self.directory,
            start_new_session=True,
            **self.account,
        )
        self.log.close()
        # If the test run itself is killed, the guardian ends the server.
        self.guardian = start_guardian()
        if self.guardian.stdin is not None:
            print(f"+{self.process.pid}", file=self.guardian.stdin, flush=True)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or not is_group_alive(self.process.pid):
                    text = (self.directory / "log").read_text(errors="replace")
                    raise RuntimeError(f"The test PostgreSQL did not start: {text}") from error
                time.sleep(0.05)
