"""Transforms that hide values from whoever reads the target: hash and mask. They take every value as its text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from connectors.records import TYPES
from syncjobs.mapping.steps import OneStep

ALGORITHMS = ("sha256", "sha512")


def hash_step(options: Mapping[str, Any], _today: date) -> OneStep:
    """The hash of salt and text in UTF-8, or of salt and bytes, in hexadecimal digits."""
    algorithm, salt = options.get("algorithm", ALGORITHMS[0]), options.get("salt", "").encode()
    decode = TYPES["text"].decode

    def step(value: Any) -> str:
        content = value if isinstance(value, bytes) else decode(value).encode()
        return hashlib.new(algorithm, salt + content).hexdigest()

    return step


def mask_step(options: Mapping[str, Any], _today: date) -> OneStep:
    """Every character but the first and last few; a text no longer than those is masked whole."""
    first, last = int(options.get("keep_first", 0)), int(options.get("keep_last", 0))
    mark = str(options.get("with", "*"))
    decode = TYPES["text"].decode

    def step(value: Any) -> str:
        text: str = decode(value)
        hidden = len(text) - first - last
        if hidden <= 0:
            return mark * len(text)
        return f"{text[:first]}{mark * hidden}{text[first + hidden :]}"

    return step
