"""Gives memory that this process no longer uses back to the system; only glibc can be asked to."""

from __future__ import annotations

import ctypes

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # mallopt(3)
LARGE_BYTES, KEPT_BYTES = 256 * 1024, 8 * 1024**2

_libc = ctypes.CDLL(None)
_trim = getattr(_libc, "malloc_trim", None)
_set = getattr(_libc, "mallopt", None)


def keep_large_values_apart() -> None:
    """Each large value gets pages of its own, which are given back with it.

    Otherwise glibc raises its bound to 32 MB with the first one that is freed, and holes stay that nothing fits.
    """
    if _trim is not None and _set is not None:  # mallopt alone may be another library's
        _set(MMAP_THRESHOLD, LARGE_BYTES)
        _set(TRIM_THRESHOLD, KEPT_BYTES)


def return_free_memory() -> None:
    """A few milliseconds; what Python keeps for itself stays."""
    if _trim is not None:
        _trim(0)
