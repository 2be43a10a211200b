"""OAuth2 client credentials (RFC 6749 §4.4): a session that fetches its own token, and a new one when it is refused.

Tokens live in memory only, and are taken out of every text like the credentials that brought them.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from connectors.errors import ConfigError
from connectors.http import HttpSession
from connectors.http_answers import Answer, RequestRefused, host_of
from connectors.http_bodies import Form
from connectors.redaction import remember_secret
from connectors.surroundings import Surroundings

MARGIN_SECONDS = 30.0  # that a token is thought to be over before it is
LIFE_SECONDS = 300.0  # of a token whose server does not say
LOGIN_ERRORS = frozenset({"invalid_client", "invalid_grant", "unauthorized_client", "invalid_scope"})


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks for tokens, and where; `in_body` where the server takes no Basic login."""

    token_url: str
    client_id: str
    secret: str = field(repr=False)
    scope: str = ""
    in_body: bool = False

    def form(self) -> Form:
        wanted = {"grant_type": "client_credentials", "scope": self.scope}
        own = {"client_id": self.client_id, "client_secret": self.secret} if self.in_body else {}
        return Form({name: value for name, value in (wanted | own).items() if value})

    def headers(self) -> dict[str, str]:
        """Name and secret are encoded as in a form first (RFC 6749 §2.3.1)."""
        if self.in_body:
            return {}
        return basic_login(quote_plus(self.client_id), quote_plus(self.secret))


def basic_login(user: str, password: str) -> dict[str, str]:
    """The header of HTTP's own login."""
    told = base64.b64encode(f"{user}:{password}".encode()).decode()
    remember_secret(told)
    return {"Authorization": f"Basic {told}"}


class Tokens:
    """The token at hand and how long it holds."""

    def __init__(
        self, client: Client, surroundings: Surroundings, clock: Callable[[], float] = time.monotonic, **options: Any
    ) -> None:
        self._client = client
        self._clock = clock
        self._token = ""
        self._ends_at = 0.0
        self._http = HttpSession(surroundings, secret_headers=client.headers(), **options)

    def current(self) -> str:
        """A token that still holds. Raises ConfigError `credentials_refused`, `protocol`, and what asking raises."""
        if not self._token or self._clock() >= self._ends_at:
            self._fetch()
        return self._token

    def forget(self) -> None:
        """The server takes it no more."""
        self._token = ""

    def close(self) -> None:
        self._http.close()

    def _fetch(self) -> None:
        asked_at = self._clock()
        try:
            answer, _ = self._http.ask_json(self._client.token_url, self._client.form())
        except RequestRefused as error:
            if any(word in bytes(error.answer.body).decode("utf-8", "replace") for word in LOGIN_ERRORS):
                raise self._refused() from error
            raise
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise ConfigError(
                "protocol",
                f"{host_of(self._client.token_url)} answered without an access token",
                hint="Check the token address, the client and its scope.",
            )
        remember_secret(token)
        life = answer.get("expires_in")
        told = (
            float(life) if isinstance(life, int | float) or (isinstance(life, str) and life.isdigit()) else LIFE_SECONDS
        )
        self._token, self._ends_at = token, asked_at + max(told - MARGIN_SECONDS, told / 2)

    def _refused(self) -> ConfigError:
        return ConfigError(
            "credentials_refused",
            f"{host_of(self._client.token_url)} gives this client no token",
            hint="Update client, secret or scope of the connector, then run a connection test.",
        )


class TokenSession(HttpSession):
    """Sends a token with each request; one that is refused is fetched anew once for that request."""

    def __init__(self, surroundings: Surroundings, tokens: Tokens, **options: Any) -> None:
        super().__init__(surroundings, **options)
        self._tokens = tokens

    def _fetch(self, url: str, parameters: Mapping[str, str] | None = None, question: Any = None) -> Answer:
        with self.surroundings.noting_refusals():
            self.secret_headers = _bearer(self._tokens.current())
        return super()._fetch(url, parameters, question)

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        parameters: Mapping[str, str] | None = None,
        question: Any = None,
    ) -> Answer:
        answer = super()._exchange(method, url, headers, parameters, question)
        if answer.status != 401 or "Authorization" not in headers:
            return answer
        self._tokens.forget()
        self.secret_headers = _bearer(self._tokens.current())
        return super()._exchange(method, url, self.secret_headers, parameters, question)

    def close(self) -> None:
        self._tokens.close()
        super().close()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
