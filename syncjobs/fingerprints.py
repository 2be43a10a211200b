"""Short, stable names for long things. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def key_hash(key: dict[str, Any]) -> int:
    """A signed 64-bit hash of a record's key, the same for the same names and values in whatever order."""
    canonical = CANONICAL.encode(key)
    digest = hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
