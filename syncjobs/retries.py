"""Whether and when a failed job tries again: facts in, a decision out. Asks neither the clock nor a random source."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_DELAY_SECONDS = 600.0
LONGEST_RETRY_AFTER_SECONDS = 86_400.0
NEVER_RETRIED = frozenset({"config", "data"})  # a person has to change something first


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Try again after `delay_seconds`; `retry_count` is the job's count of retries in a row without progress, this one
    included."""

    delay_seconds: float
    retry_count: int


def next_retry(
    *,
    failure_class: str,
    retryable: bool,
    retry_count: int,
    max_retries: int,
    retry_delay_seconds: float,
    made_progress: bool,
    retry_after_seconds: float | None,
    random_fraction: float,
) -> RetryDecision | None:
    """When to try again, None for not by itself.

    `retryable` is the failure's own word (timeouts and lost workers count as transient, so as retryable); config and
    data failures never are. An attempt that made progress starts the count anew. 0 for `max_retries` means none, 0
    for `retry_delay_seconds` at once. `retry_after_seconds` is what the other side asked for and wins, up to a day.
    `random_fraction` lies in [0, 1).
    """
    if not retryable or failure_class in NEVER_RETRIED:
        return None
    used = 0 if made_progress else retry_count
    if used >= max_retries:
        return None
    if retry_after_seconds is not None:
        delay = min(max(retry_after_seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)
    else:
        delay = longest_delay(retry_delay_seconds, used) * random_fraction
    return RetryDecision(delay, used + 1)


def longest_delay(retry_delay_seconds: float, used: int) -> float:
    """The upper end of the wait after `used` retries: delay * 2^used, at most 600 s.

    The wait is drawn evenly from zero to it ("full jitter"), so that jobs that failed together come back apart:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    doublings = min(used, 30)  # past the cap anyway; a float must not overflow
    return float(min(retry_delay_seconds * 2**doublings, LONGEST_DELAY_SECONDS))


def was_told_to_quit(error: BaseException | None) -> bool:
    """Whether Celery, told twice to stop, broke off what was going on, whatever else then failed on the way out."""
    while error is not None and not isinstance(error, SystemExit):
        error = error.__context__
    return error is not None
