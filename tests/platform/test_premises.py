"""What is in the way of a start is said in one sentence."""

import os
import socket
from pathlib import Path

import pytest

from syncjobs.supervision import premises


def test_unwritable_data_directory_is_named_with_the_way_out() -> None:
    with pytest.raises(premises.CannotStart) as raised:
        premises.check_writable(Path("/proc/data"))
    assert "The data directory /proc/data cannot be written" in str(raised.value)
    assert "SYNCDECK_DATA_DIR" in str(raised.value)


def test_writable_data_directory_stays_empty(tmp_path: Path) -> None:
    premises.check_writable(tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_taken_port_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(premises.CannotStart, match=f"127.0.0.1 port {port} .*choose another with PORT"):
            premises.check_port("127.0.0.1", port)
        assert premises.choose_port("127.0.0.1", port) != port
    premises.check_port("127.0.0.1", port)
    assert premises.choose_port("127.0.0.1", port) == port


def test_host_that_is_not_here_is_named() -> None:
    with pytest.raises(premises.CannotStart, match="HOST names the address"):
        premises.check_port("192.0.2.1", 8000)


def test_data_directory_is_taken_once_until_released(tmp_path: Path) -> None:
    lock = premises.lock(tmp_path)
    with pytest.raises(premises.CannotStart, match=r"already running on the data directory .* \(process \d+\)"):
        premises.lock(tmp_path)
    os.close(lock)
    os.close(premises.lock(tmp_path))
