"""What is wrong with a transform's options, beyond what a JSON Schema can say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.records import TYPES
from syncjobs.mapping.problems import quote
from syncjobs.mapping.zones import find_zone


def no_problems(_options: Mapping[str, Any]) -> list[str]:
    """Nothing to check."""
    return []


def format_problems(options: Mapping[str, Any]) -> list[str]:
    """A format or time zone that is none."""
    problems = []
    pattern = options.get("format")
    if pattern is not None:
        try:
            datetime.strptime("", pattern)  # noqa: DTZ007 - only whether the format is one
        except re.error:
            problems.append(f"format: {quote(pattern)} names the same part of a time twice")
        except ValueError as error:
            if "directive" in str(error) or "stray" in str(error):
                problems.append(f"format: {error}")
    if "zone" in options:
        try:
            find_zone(options["zone"])
        except ValueError as error:
            problems.append(f"zone: {error}")
    return problems


def null_if_problems(options: Mapping[str, Any]) -> list[str]:
    """Texts that no record can hold."""
    return [problem for value in options["values"] for problem in text_problems("values", value)]


def bounds_problems(options: Mapping[str, Any]) -> list[str]:
    """Limits that are missing, not finite or the wrong way round."""
    limits = [options[name] for name in ("min", "max") if isinstance(options.get(name), int | float)]
    if "min" not in options and "max" not in options:
        return ["min: one of min and max is needed"]
    if any(isinstance(limit, float) and not math.isfinite(limit) for limit in limits):
        return ["min: min and max must be finite numbers"]
    if len(limits) == 2 and limits[0] > limits[1]:
        return [f"min: min {quote(limits[0])} is above max {quote(limits[1])}"]
    return []


def salt_problems(options: Mapping[str, Any]) -> list[str]:
    """What can not be hashed."""
    return text_problems("salt", options.get("salt", ""))


def text_problems(name: str, text: Any) -> list[str]:
    """Whether an option is a text that records may hold."""
    try:
        TYPES["text"].decode(text)
    except ValueError as error:
        return [f"{name}: {error}"]
    return []
