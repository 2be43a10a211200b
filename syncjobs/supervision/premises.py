"""What must hold before anything is started: a directory to write in, nobody else in it, a free port."""

import fcntl
import os
import socket
import tempfile
from contextlib import closing
from pathlib import Path


class CannotStart(RuntimeError):
    """Something is in the way; the text is one sentence that names it and the way out."""


def check_writable(data_dir: Path) -> None:
    """Make the data directory if need be and write into it once. Raises CannotStart."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir) as file:
            file.write(b"x")
    except OSError as error:
        raise CannotStart(
            f"The data directory {data_dir} cannot be written ({error.strerror}); "
            "make it writable or set SYNCDECK_DATA_DIR to another directory."
        ) from error


def lock(data_dir: Path) -> int:
    """Take the data directory for this process and return the open lock, which lasts until it is closed.

    Raises CannotStart where another process has it.
    """
    descriptor = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise CannotStart(
            f"Syncdeck is already running on the data directory {data_dir} (process {owner}); "
            "stop it or set SYNCDECK_DATA_DIR to another directory."
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
    return descriptor


def check_port(host: str, port: int) -> None:
    """Raise CannotStart where the web server could not listen on this address."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind, protocol)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except PermissionError as error:
        raise CannotStart(
            f"Port {port} needs more rights than this user has; choose one above 1023 with PORT."
        ) from error
    except OSError as error:
        raise CannotStart(
            f"The web server cannot listen on {host} port {port} ({error.strerror}); "
            "stop what uses it or choose another with PORT (HOST names the address)."
        ) from error


def choose_port(host: str, preferred: int | None) -> int:
    """Return the preferred port if it is free, else any free one."""
    for candidate in (preferred or 0, 0):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, candidate))
            except OSError:
                continue
            return int(listener.getsockname()[1])
    raise CannotStart(f"No port is free on {host}; stop something that listens there.")
