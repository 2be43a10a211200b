"""How a webhook's request is signed and known: HMAC-SHA256 of the timestamp, a dot and the raw body. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection

TIMESTAMP, DELIVERY, SIGNATURE = "X-Syncdeck-Timestamp", "X-Syncdeck-Delivery", "X-Syncdeck-Signature"
VERSION = "v1"
TOLERANCE_SECONDS = 300
LONGEST_DELIVERY_ID = 100
NOBODYS_SECRET = "no request is signed with this"  # noqa: S105 - so that an unknown address takes as long as a known one
WHOLE_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
PLAIN_ID = re.compile(rf"[!-~]{{1,{LONGEST_DELIVERY_ID}}}", re.ASCII)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of the signature's header."""
    return f"{VERSION}={hmac.new(secret.encode(), signed_bytes(timestamp, body), hashlib.sha256).hexdigest()}"


def signed_bytes(timestamp: str, body: bytes) -> bytes:
    """What the signature is of."""
    return timestamp.encode() + b"." + body


def is_signed(signature: str, timestamp: str, body: bytes, secrets: Collection[str]) -> bool:
    """Whether one of the secrets made this signature; each is tried, however the first one compares."""
    given = signature.encode()  # texts that are not ASCII could not be compared
    matches = [hmac.compare_digest(given, sign(secret, timestamp, body).encode()) for secret in secrets]
    if not matches:
        sign(NOBODYS_SECRET, timestamp, body)
    return any(matches)


def is_timely(timestamp: str, now: float) -> bool:
    """Whether it is a Unix time in whole seconds, at most TOLERANCE_SECONDS away from `now`."""
    return bool(WHOLE_SECONDS.fullmatch(timestamp)) and abs(int(now) - int(timestamp)) <= TOLERANCE_SECONDS


def is_delivery_id(text: str) -> bool:
    """Whether it can name a delivery: up to LONGEST_DELIVERY_ID printable ASCII characters without spaces."""
    return bool(PLAIN_ID.fullmatch(text))


def curl_lines(address: str, secret: str) -> str:
    """Shell lines that sign a delivery and send it, to be pasted into a terminal that has openssl and curl."""
    return f"""\
SECRET='{secret}'
BODY='{{"test": true}}'
TIME=$(date +%s)
SIGNATURE=$(printf '%s.%s' "$TIME" "$BODY" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.*= *//')
curl -X POST '{address}' -H 'Content-Type: application/json' \\
  -H "{TIMESTAMP}: $TIME" -H "{DELIVERY}: by-hand-$TIME" \\
  -H "{SIGNATURE}: {VERSION}=$SIGNATURE" --data-raw "$BODY"
"""
