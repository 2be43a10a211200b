"""Which fields of a type's documents are never stored in the clear."""

from __future__ import annotations

import contextlib
from typing import Any

from connectors.errors import ConfigError
from syncjobs.controllers.registry import get_controller


def masked_fields(controller_name: str, config: dict[str, Any]) -> frozenset[str]:
    """The fields that the controller masks, and those that the type's config adds to them."""
    names = frozenset(config.get("masked_fields", ()))
    with contextlib.suppress(ConfigError):  # an unknown controller is told when the job runs
        names |= getattr(get_controller(controller_name), "masked_fields", frozenset())
    return names
