"""Gives memory that this process no longer uses back to the system; only glibc can be asked to."""

from __future__ import annotations

import ctypes

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


def return_free_memory() -> None:
    """A few milliseconds; what Python keeps for itself stays."""
    if _trim is not None:
        _trim(0)
