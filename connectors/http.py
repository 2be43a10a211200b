"""The HTTP session of connectors: guarded, bounded in time and size, interruptible, and patient with busy servers.

Follows no redirect to another host, reads no proxy or other setting from the environment, keeps no cookies.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

import requests

from connectors.errors import ConfigError, DataError, RateLimitedError, TransientError
from connectors.http_answers import (
    Answer,
    Decode,
    check_status,
    checked_url,
    decode_anything,
    host_of,
    parse_json,
    transport_error,
)
from connectors.http_bodies import body_of
from connectors.http_redirects import REDIRECTS, is_same_origin, redirect_target
from connectors.http_sockets import Deadline, Dialer, GuardedAdapter
from connectors.network import Resolver
from connectors.surroundings import Surroundings

TRIES = 8
TRIES_OF_THE_IMPATIENT = 2
DEADLINE_SECONDS = 60.0  # one request, from the name's look-up to the last byte of its answer
CONNECT_SECONDS = 20.0
LARGEST_BODY = 64 * 1024 * 1024  # bytes, decompressed
LONGEST_WAIT = 300.0  # seconds that a server's Retry-After is obeyed for
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0
MOST_HOPS = 5
CHUNK = 64 * 1024

Result = TypeVar("Result")


class HttpSession:
    """Asks servers a user named. Belongs to one thread; an Interruption may end its waits from another.

    `secret_headers` go only to the origin first asked. A session that does not wait for turns takes them all the same:
    others wait the longer. `retries` counts the tries after the first of each request.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        secret_headers: Mapping[str, str] | None = None,
        tries: int = TRIES,
        deadline_seconds: float = DEADLINE_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        largest_body: int = LARGEST_BODY,
        waits_for_turns: bool = True,
        resolver: Resolver = socket.getaddrinfo,
        random_share: Callable[[], float] = random.random,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.surroundings = surroundings
        self.secret_headers = dict(secret_headers or {})
        self.tries = tries if surroundings.is_patient else min(tries, TRIES_OF_THE_IMPATIENT)
        self.deadline_seconds = deadline_seconds
        self.largest_body = largest_body
        self.waits_for_turns = waits_for_turns
        self.retries = 0
        self._random_share = random_share
        self._sleep = sleep or surroundings.wait
        self.dialer = Dialer(surroundings.interruption, connect_seconds, resolver)
        self._session = _make_session(self.dialer)

    def get(self, url: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """A complete 2xx answer, after as many tries as it takes.

        Raises ConfigError (`credentials_refused`, `not_found`, `protocol`, `address_refused`, …; RequestRefused for
        other 4xx), DataError `answer_too_large`, TransientError or RateLimitedError after the last try, Interrupted.
        """
        return self._try_repeatedly(url, lambda: self._fetch(url, parameters))

    def get_json(
        self, url: str, parameters: Mapping[str, str] | None = None, decode: Decode = decode_anything
    ) -> tuple[Any, Answer]:
        """The JSON value of a complete answer, and the answer. Raises as `get`; broken JSON is asked for again."""

        def fetch() -> tuple[Any, Answer]:
            answer = self._fetch(url, parameters)
            return parse_json(answer, decode), answer

        return self._try_repeatedly(url, fetch)

    def ask_json(self, url: str, question: Any, decode: Decode = decode_anything) -> tuple[Any, Answer]:
        """The same of a question that is posted, as JSON or a Form, and changes nothing: it may be asked again."""

        def fetch() -> tuple[Any, Answer]:
            answer = self._fetch(url, question=question)
            return parse_json(answer, decode), answer

        return self._try_repeatedly(url, fetch)

    def probe(self, url: str) -> Answer:
        """The head of whatever answers there, of any status, without secrets and without a second try."""
        checked_url(url)
        return self._exchange("HEAD", url, {})

    def close(self) -> None:
        self._session.close()
        self.dialer.tidy()

    def _try_repeatedly(self, url: str, attempt: Callable[[], Result]) -> Result:
        checked_url(url)
        for number in range(1, self.tries):
            try:
                return attempt()
            except TransientError as error:
                wait = self._seconds_until_retry(error, number)
                self.surroundings.notify(
                    "WARNING", f"{error.message}; retry {number}/{self.tries} in {max(1, round(wait))} s"
                )
                self._sleep(wait)
                self.retries += 1
        try:
            return attempt()
        except TransientError as error:
            raise self._give_up(url, error) from error

    def _seconds_until_retry(self, error: TransientError, number: int) -> float:
        """What the server told, else 1, 2, 4 … 60, of which half is random so that jobs do not march in step."""
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            return min(error.retry_after, LONGEST_WAIT)
        full = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** (number - 1))
        return full * (1 + self._random_share()) / 2

    def _give_up(self, url: str, error: TransientError) -> TransientError:
        if self.tries == 1:
            return error
        given_up: TransientError
        if isinstance(error, RateLimitedError) and error.code == "rate_limited":
            message = f"rate limited by {host_of(url)} after {self.tries} tries"
            given_up = RateLimitedError(error.code, message, hint=error.hint, retry_after=error.retry_after)
        else:
            given_up = TransientError(error.code, f"{error.message}, after {self.tries} tries", hint=error.hint)
        given_up.was_tried_again = True
        return given_up

    def _fetch(self, url: str, parameters: Mapping[str, str] | None = None, question: Any = None) -> Answer:
        """One try: the request and the redirects on the same host that follow from it."""
        headers, method = dict(self.secret_headers), "GET" if question is None else "POST"
        for _ in range(MOST_HOPS + 1):
            answer = self._exchange(method, url, headers, parameters, question)
            if answer.status not in REDIRECTS:
                return self._accept(answer)
            target = redirect_target(answer)
            if not is_same_origin(url, target):
                headers = {}
            url, parameters = target, None
        raise ConfigError("redirect_refused", f"{host_of(url)} redirects more than {MOST_HOPS} times")

    def _accept(self, answer: Answer) -> Answer:
        with self.surroundings.noting_refusals():
            check_status(answer, datetime.now(UTC))
        return answer

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        parameters: Mapping[str, str] | None = None,
        question: Any = None,
    ) -> Answer:
        interruption, host, is_answering = self.surroundings.interruption, host_of(url), False
        self._take_turn()
        interruption.check()
        try:
            with Deadline(self.deadline_seconds, self.dialer) as deadline:
                response = self._session.request(
                    method,
                    url,
                    params=parameters,
                    **body_of(question),
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                    timeout=self.deadline_seconds,
                )
                is_answering = True
                with closing(response):
                    answer = Answer(response.url, response.status_code, response.headers, self._read_body(response))
        except (OSError, ValueError) as error:
            interruption.check()
            if deadline.has_passed:
                raise self._too_slow(host) from error
            raise transport_error(host, error, is_answering=is_answering) from error
        finally:
            self.dialer.tidy()
        # A body without a declared length ends where the socket was cut, and looks complete.
        interruption.check()
        if deadline.has_passed:
            raise self._too_slow(host)
        return replace(answer, url=answer.url.partition("?")[0])

    def _take_turn(self) -> None:
        if self.waits_for_turns:
            self.surroundings.wait_for_turn()
        elif self.surroundings.turns:
            self.surroundings.turns.take()

    def _read_body(self, response: requests.Response) -> bytearray:
        body = bytearray()
        for chunk in _chunks(response):
            body += chunk
            if len(body) > self.largest_body:
                raise DataError(
                    "answer_too_large",
                    f"{host_of(response.url)} sent an answer of more than {self.largest_body:,} bytes",
                    hint="Read fewer records at a time (batch_size, page_size).",
                )
        return body

    def _too_slow(self, host: str) -> TransientError:
        return TransientError(
            "timeout",
            f"{host} did not finish its answer within {self.deadline_seconds:g} s",
            hint="Read fewer records at a time (batch_size, page_size), or try again when the server is less busy.",
        )


def _make_session(dialer: Dialer) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"User-Agent": "syncdeck", "Accept": "application/json"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, GuardedAdapter(dialer))
    return session


def _chunks(response: requests.Response) -> Iterator[bytes]:
    chunks: Iterator[bytes] = response.iter_content(CHUNK)
    return chunks
