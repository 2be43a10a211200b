"""Which job the current code works for, so that every log line can say it.

Pure: a context variable, no logging, no Django.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_fields: ContextVar[Mapping[str, object]] = ContextVar("log_fields", default=MappingProxyType({}))


def bound_fields() -> Mapping[str, object]:
    """Return the fields bound here, such as {"sync_id": 7, "attempt": 1, "batch": 3}."""
    return _fields.get()


@contextmanager
def bind(**fields: object) -> Iterator[None]:
    """Add fields to every log line of this context until the block ends. A new thread begins without any."""
    token = _fields.set(MappingProxyType({**_fields.get(), **fields}))
    try:
        yield
    finally:
        _fields.reset(token)
