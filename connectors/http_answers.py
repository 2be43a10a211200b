"""Judges what an HTTP server answered: which error a status, a broken transfer or a wrong body is. Opens no socket."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec
import requests

from connectors.errors import ConfigError, DataError, RateLimitedError, SyncError, TransientError
from connectors.field_numbers import exact_number
from connectors.redaction import redact

SNIPPET = 80  # characters of a wrong body that are shown
PERMANENT_SERVER_ERRORS = frozenset({501, 505})
TRANSIENT_CLIENT_ERRORS = frozenset({408, 425})
MARKUP = ("html", "xml")
DEFAULT_PORTS = {"http": 80, "https": 443}
MOST_VALUES = 4_000_000  # in one answer: values are larger in memory than in JSON, by far if they are small
Decode = Callable[[bytes | bytearray], Any]
decode_anything: Decode = msgspec.json.Decoder(float_hook=exact_number).decode


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete answer; `body` is decompressed, `url` is without parameters."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray

    @property
    def host(self) -> str:
        return host_of(self.url)


class RequestRefused(ConfigError):
    """The server understood the request and said no (a 4xx of no special meaning); `answer` says more."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(
            "request_refused", f"{answer.host} refused the request ({answer.status}): {snippet(answer.body)}"
        )
        self.answer = answer


def checked_url(url: str) -> SplitResult:
    """The parts of a usable http(s) URL. Raises ConfigError `bad_url` naming what is wrong, never a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError("bad_url", "the URL cannot be read: its host or port is malformed") from None
    if any(ord(character) <= 32 or character in "\\\x7f" for character in url):
        raise ConfigError("bad_url", "the URL holds blanks, backslashes or control characters")
    if parts.scheme not in ("http", "https"):
        raise ConfigError("bad_url", f"the URL begins with '{parts.scheme[:20]}:'", hint="Use https:// or http://.")
    if "@" in parts.netloc:
        raise ConfigError(
            "bad_url", "the URL holds a user or password", hint="Use the credential fields of the connector instead."
        )
    if not parts.hostname or port == 0:
        raise ConfigError("bad_url", "the URL names no host or an impossible port")
    return parts


def port_of(parts: SplitResult) -> int:
    """The port of a checked URL, also where it is not written."""
    return parts.port or DEFAULT_PORTS[parts.scheme]


def host_of(url: str) -> str:
    """Host and, where given, port: for texts."""
    return urlsplit(url).netloc.rpartition("@")[2]


def snippet(body: bytes | bytearray) -> str:
    """The beginning of a body, quoted and escaped, without secrets."""
    return redact(repr(body[: 4 * SNIPPET].decode("utf-8", "replace")[:SNIPPET]))


def check_status(answer: Answer, now: datetime) -> None:
    """Return for 2xx; else raise what the status means."""
    host, status = answer.host, answer.status
    if 200 <= status < 300:
        return
    if status in (401, 403):
        raise ConfigError(
            "credentials_refused",
            f"credentials refused by {host} ({status})",
            hint="Update the connector's credentials (they may have expired), then run a connection test.",
        )
    if status == 404:
        raise ConfigError("not_found", f"{host} has nothing at {urlsplit(answer.url).path} (404)")
    if status == 429:
        raise RateLimitedError(
            "rate_limited",
            f"{host} asked to slow down (429)",
            hint="Lower the connector's requests per minute, or add an app token.",
            retry_after=retry_after(answer.headers, now),
        )
    if status in TRANSIENT_CLIENT_ERRORS or (status >= 500 and status not in PERMANENT_SERVER_ERRORS):
        raise _server_error(answer, now)
    if 400 <= status < 500:
        raise RequestRefused(answer)
    raise ConfigError("protocol", f"{host} answered with the unexpected status {status}: {snippet(answer.body)}")


def _server_error(answer: Answer, now: datetime) -> TransientError:
    message = f"{answer.host} answered with an error ({answer.status})"
    told = retry_after(answer.headers, now)
    if told is not None:
        return RateLimitedError("server_error", message, retry_after=told)
    return TransientError("server_error", message, hint="The server has a problem; try again later.")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from Retry-After, given as seconds or as an HTTP date (RFC 9110 §10.2.3); None where there is none.

    A date is reckoned from the server's own time, where it tells that: our clock may be wrong.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    moment = _http_date(text)
    if moment is None:
        return None
    return max(0.0, (moment - (_http_date(headers.get("Date", "")) or now)).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def parse_json(answer: Answer, decode: Decode = decode_anything) -> Any:
    """The JSON value of the body, by `decode` or, where that refuses it, as json.loads sees it.

    TransientError for a broken one, ConfigError `protocol` for other content, DataError `answer_too_large`.
    """
    content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if any(word in content_type for word in MARKUP):
        raise _unexpected_content(answer, content_type)
    if len(answer.body) > 2 * MOST_VALUES and sum(map(answer.body.count, (b",", b"{", b"["))) > MOST_VALUES:
        raise DataError(
            "answer_too_large",
            f"{answer.host} sent JSON of more than {MOST_VALUES:,} values",
            hint="Read fewer records at a time (batch_size, page_size).",
        )
    with suppress(ValueError, ArithmeticError, RecursionError):
        return decode(answer.body)
    return _parse_slowly(answer, content_type)


def _parse_slowly(answer: Answer, content_type: str) -> Any:
    """Takes what the quick decoder refuses, such as NaN and halves of surrogate pairs, and says what is wrong."""
    try:
        return json.loads(answer.body, parse_float=exact_number)
    except (json.JSONDecodeError, UnicodeDecodeError):
        if content_type and "json" not in content_type:
            raise _unexpected_content(answer, content_type) from None
        raise TransientError(
            "invalid_json",
            f"{answer.host} sent JSON that breaks off or is malformed ({len(answer.body):,} bytes)",
            hint="The transfer was cut short, or the server has a problem.",
        ) from None
    except (ValueError, ArithmeticError, RecursionError):
        raise DataError("protocol", f"{answer.host} sent JSON with a number or nesting beyond all limits") from None


def _unexpected_content(answer: Answer, content_type: str) -> ConfigError:
    return ConfigError(
        "protocol",
        f"expected JSON, got {content_type[:60]}: {snippet(answer.body)} (from {answer.host})",
        hint="Check the URL; a login page or a proxy may have answered instead.",
    )


def transport_error(host: str, error: Exception, *, is_answering: bool) -> SyncError:
    """What a failed exchange means; `is_answering` once the answer's headers had arrived."""
    reasons = list(_chain(error))
    tls = next((reason for reason in reasons if isinstance(reason, ssl.SSLError)), None)
    if tls is not None and not is_answering and not isinstance(tls, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        detail = getattr(tls, "verify_message", "") or (tls.reason or "handshake failed").replace("_", " ").lower()
        return ConfigError(
            "tls_failure",
            f"no secure connection to {host}: {detail}",
            hint="Check that the URL's scheme and host name are right and that the certificate is valid.",
        )
    if any(isinstance(reason, requests.Timeout | TimeoutError) for reason in reasons):
        return TransientError("timeout", f"{host} stopped answering")
    if isinstance(error, ValueError):
        # The library's own text may repeat a header, and so a credential.
        return ConfigError("bad_request", f"no request to {host} can be made of the connector's URL and credentials")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return TransientError("connection_lost", f"{host} sent a compressed answer that is damaged")
    return TransientError("connection_lost", f"{host} closed the connection before its answer was complete")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, and what urllib3 keeps as reason."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
