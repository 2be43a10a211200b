"""Syncdeck's settings without a limit of requests, for a server that is asked as fast as it answers."""

from config.settings import *  # noqa: F403

API_REQUESTS_PER_MINUTE = {"read": None, "write": None}  # type: ignore[dict-item]
