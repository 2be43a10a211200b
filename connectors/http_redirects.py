"""Where a redirect may lead: on the same host, and never from HTTPS down to HTTP. Opens no socket."""

from __future__ import annotations

from urllib.parse import urljoin

from connectors.errors import ConfigError
from connectors.http_answers import Answer, checked_url, port_of

REDIRECTS = frozenset({301, 302, 303, 307, 308})


def is_same_origin(url: str, other: str) -> bool:
    """Whether scheme, host and port are the same; only then may a secret go along."""
    here, there = checked_url(url), checked_url(other)
    return (here.scheme, here.hostname, port_of(here)) == (there.scheme, there.hostname, port_of(there))


def redirect_target(answer: Answer) -> str:
    """Where a redirect leads, if that is the same host, and no step down to plain HTTP; ConfigError otherwise."""
    here = checked_url(answer.url)
    target = urljoin(answer.url, answer.headers.get("Location", ""))
    try:
        there = checked_url(target)
    except ConfigError as error:
        raise ConfigError("redirect_refused", f"{here.netloc} redirects to an unusable address") from error
    if there.hostname != here.hostname or (here.scheme == "https" and there.scheme == "http"):
        raise ConfigError(
            "redirect_refused",
            f"{here.netloc} redirects to {there.scheme}://{there.netloc}, which is not followed",
            hint="If that is the right place, put it into the connector's URL.",
        )
    return target
