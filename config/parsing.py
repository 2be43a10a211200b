"""Turns the text of one environment variable into a value. Pure: reads no environment, starts nothing.

Every function raises BadValue with the rest of a sentence that begins with the variable's name. No function repeats a
value that may hold a password.
"""

import base64
import binascii
import importlib.util
import ipaddress
import re
import zoneinfo
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
CRASH_POINTS = (
    "after_read",
    "before_commit",
    "after_target_commit",
    "before_checkpoint",
    "after_claim",
    "before_send",
    "after_send",
    "mid_relay",
    "mid_chain",
    "before_fold_commit",
    "after_fold_commit",
)
HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*\.?\Z")
QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
APP_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z", re.ASCII)
SHORTEST_SECRET = 50
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1", ".localhost"})


class BadValue(ValueError):
    """The value does not fit; the text goes on after the variable's name."""


def split_list(text: str) -> tuple[str, ...]:
    """Return the comma-separated parts without blanks and repetitions, in their order."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def parse_boolean(text: str) -> bool:
    """Read a yes or no."""
    word = text.strip().lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise BadValue(f"must be true or false, not {text!r}.")
    return word in TRUE_WORDS


def parse_integer(text: str, smallest: int, largest: int) -> int:
    """Read a whole number between the two limits."""
    if not re.fullmatch(r"-?\d{1,12}", text.strip(), re.ASCII) or not smallest <= int(text) <= largest:
        raise BadValue(f"must be a whole number from {smallest} to {largest}, not {text!r}.")
    return int(text)


def parse_directory(text: str, base: Path) -> Path:
    """Read a directory's path, relative to `base`; it need not exist yet."""
    if "\0" in text:
        raise BadValue("holds a NUL byte and is no path.")
    path = base / Path(text.strip()).expanduser()
    if path.exists() and not path.is_dir():
        raise BadValue(f"names {path}, which is not a directory.")
    return path


def parse_file_roots(text: str) -> tuple[Path, ...]:
    """Read absolute directories, separated by commas."""
    for part in split_list(text):
        if not Path(part).is_absolute():
            raise BadValue(f"must list absolute directories separated by commas; {part!r} is not absolute.")
    return tuple(parse_directory(part, Path("/")) for part in split_list(text))


def is_host(text: str) -> bool:
    """Tell whether the text is a host name or an address (IPv6 with or without brackets)."""
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return HOST_NAME.match(text) is not None
    return True


def parse_allowed_hosts(text: str, *, debug: bool) -> tuple[str, ...]:
    """Read the names this portal answers to; `*` only while debugging."""
    hosts = split_list(text)
    if not hosts:
        raise BadValue("must list at least one host name, such as localhost.")
    for host in hosts:
        if host == "*" and not debug:
            raise BadValue("may be * only with DEBUG on; list the host names this portal answers to.")
        if host != "*" and not is_host(host.removeprefix(".")):
            raise BadValue(f"lists {host!r}, which is not a host name; leave out the scheme and the port.")
    return hosts


def parse_listening_host(text: str) -> str:
    """Read the address or name the web server listens on."""
    if not is_host(text.strip()):
        raise BadValue(f"must be an address or host name to listen on, such as 127.0.0.1, not {text!r}.")
    return text.strip().strip("[]")


def parse_origins(text: str) -> tuple[str, ...]:
    """Read web origins such as https://sync.example.org."""
    for origin in split_list(text):
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query or parts.fragment:
            raise BadValue(f"lists {origin!r}, which is not an origin such as https://sync.example.org.")
    return split_list(text)


def parse_secret_key(text: str) -> str:
    """Read Django's secret key; never repeated in a message."""
    if len(text) < SHORTEST_SECRET or len(set(text)) < 5 or text.startswith("django-insecure-"):
        raise BadValue(
            f"is too weak: give at least {SHORTEST_SECRET} random characters, "
            "or leave it out to have one generated in the data directory."
        )
    return text


def parse_fernet_keys(text: str) -> tuple[str, ...]:
    """Read the keys that encrypt credentials; the first encrypts, all decrypt."""
    keys = split_list(text)
    for number, key in enumerate(keys, start=1):
        try:
            decoded = base64.b64decode(key, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            decoded = b""
        if len(decoded) != 32:
            raise BadValue(f"must list Fernet keys (32 bytes in URL-safe base64); key {number} is not one.")
    return keys


def parse_url(text: str, schemes: Iterable[str], example: str, *, needs_path: bool = False) -> str:
    """Check a URL's scheme, port and, where asked for, its path; a password in it is never repeated."""
    complaint = f"must be a URL like {example}."
    try:
        parts = urlsplit(text.strip())
        parts.port  # noqa: B018 - reading it is the check: it raises on a bad port.
    except ValueError as error:
        raise BadValue(complaint) from error
    if parts.scheme not in schemes or (needs_path and len(parts.path) < 2) or not (parts.netloc or parts.path):
        raise BadValue(complaint)
    return text.strip()


def parse_apps(text: str) -> tuple[str, ...]:
    """Read the names of extra Django apps; each must be importable."""
    for name in split_list(text):
        if not APP_NAME.match(name) or importlib.util.find_spec(name.split(".")[0]) is None:
            raise BadValue(f"lists {name!r}, which is not a Python package that can be imported here.")
    return split_list(text)


def parse_queues(text: str) -> tuple[str, ...]:
    """Read the names of extra queues; short, default and long are always there, in front."""
    for name in split_list(text):
        if not QUEUE_NAME.match(name):
            raise BadValue(f"lists {name!r}; a queue's name is letters, digits, dots, dashes and underscores.")
    return tuple(dict.fromkeys(("short", "default", "long", *split_list(text))))


def parse_network_allowance(text: str) -> tuple[str, ...]:
    """Read hosts, host:port pairs and networks the outbound guard lets through."""
    for entry in split_list(text):
        if not (is_network(entry) or is_host(entry) or is_host_and_port(entry)):
            raise BadValue(
                f"lists {entry!r}, which is neither a host, nor host:port, nor a network such as 10.0.0.0/8."
            )
    return split_list(text)


def is_network(text: str) -> bool:
    """Tell whether the text is a network in CIDR form."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def is_host_and_port(text: str) -> bool:
    """Tell whether the text is host:port, an IPv6 host in brackets."""
    host, _, port = text.rpartition(":")
    is_bare_address = ":" in host and not host.startswith("[")
    return not is_bare_address and is_host(host) and port.isdecimal() and 0 < int(port) < 65536


def parse_crash_points(text: str) -> str:
    """Read `point` or `point:nth`, or several with commas: the places where a test has the process killed."""
    found = split_list(text)
    for one in found:
        point, separator, nth = one.partition(":")
        if point not in CRASH_POINTS or (separator and not re.fullmatch(r"[1-9]\d{0,8}", nth, re.ASCII)):
            raise BadValue(f"must be one of {', '.join(CRASH_POINTS)}, or point:nth, not {one!r}.")
    return ",".join(found)


def parse_token(text: str) -> str:
    """Read a secret that goes into an HTTP header; never repeated in a message."""
    if not re.fullmatch(r"[\x21-\x7e]+", text.strip()):
        raise BadValue("must be one word of printable ASCII characters.")
    return text.strip()


def parse_time_zone(text: str) -> str:
    """Read the name of a time zone, such as America/Chicago."""
    if text.strip() not in zoneinfo.available_timezones():
        raise BadValue(f"must be a time zone's name such as UTC or America/Chicago, not {text!r}.")
    return text.strip()
