"""Short, stable names for long things. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def key_hash(key: dict[str, Any]) -> int:
    """A signed 64-bit hash of a record's key, the same for the same names and values in whatever order."""
    return canonical_hash(CANONICAL.encode(key))


def canonical_hash(canonical: str) -> int:
    """The same, of a key whose JSON is as CANONICAL makes it."""
    digest = hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


LONGEST_PATTERN = 300
OF_ONE_OCCURRENCE = re.compile(
    r"(?<==)(?:'[^']*'|\"[^\"]*\"|[^\s,;)]+)"  # the value of name=value
    r"|(?<!\w)'(?:[^'\\]|\\.)*['…]|\"(?:[^\"\\]|\\.)*[\"…]"  # quoted
    r"|\b[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*\b"  # ids
    r"|(?<!\w)\d(?:[\d.,:+TZ-]*[\dTZ])?"  # numbers, times, addresses
)


def failure_pattern(message: str) -> str:
    """A failure's sentence without what differs from one occurrence to the next: keys, quoted values, numbers, ids."""
    return OF_ONE_OCCURRENCE.sub("…", message[: 4 * LONGEST_PATTERN])[:LONGEST_PATTERN]


def failure_fingerprint(failure: Mapping[str, Any]) -> str:
    """16 letters that are the same for failures of one cause, whatever they happened to: class, code and pattern."""
    kind = f"{failure.get('class')}\n{failure.get('code')}\n{failure_pattern(str(failure.get('message', '')))}"
    return hashlib.blake2b(kind.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
