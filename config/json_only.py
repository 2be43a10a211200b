"""Loads kombu without decoders that it would find installed: messages are JSON, and YAML's takes 1 MB of a process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

UNUSED = ("yaml", "msgpack")


@contextmanager
def missing(names: tuple[str, ...]) -> Iterator[None]:
    """Within it these modules, unless they are loaded already, are as if not installed."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


with missing(UNUSED):
    import_module("kombu.serialization")
