"""Reads single values of a command line. Each raises ArgumentTypeError in words for a person."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from django.conf import settings

from syncjobs.operations.previews import MOST_ROWS

LONGEST_NAME = 255
LARGEST_NUMBER = 2**31 - 1


def parse_text(text: str) -> str:
    """Any text that a database can keep."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("it holds bytes that are no text in UTF-8") from None
    return text


def parse_name(text: str) -> str:
    """A text of 1 to 255 characters."""
    if not 1 <= len(text) <= LONGEST_NAME:
        told = "it is empty" if not text else f"it has {len(text):,} characters, at most {LONGEST_NAME} are kept"
        raise argparse.ArgumentTypeError(told)
    return parse_text(text)


def parse_job_id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not the number of a job")
    return int(text)


def parse_entry(text: str) -> int | str:
    """The number of an entry in a cursor's ledger, or the word `start`."""
    if text == "start":
        return text
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is neither the number of an entry nor 'start'")
    return int(text)


def parse_limit(text: str) -> int:
    return _parse_up_to(1_000, text)


def parse_rows(text: str) -> int:
    """How many records a preview shows."""
    return _parse_up_to(MOST_ROWS, text)


def _parse_up_to(most: int, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a number from 1 to {most:,}")
    return int(text)


def parse_days(text: str) -> int:
    """Whole days, up to a hundred years."""
    return _parse_up_to(36_525, text)


def parse_priority(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a whole number") from None
    if abs(number) > LARGEST_NUMBER:
        raise argparse.ArgumentTypeError(f"it is beyond {LARGEST_NUMBER:,}")
    return number


def parse_time(text: str) -> datetime:
    """A moment; without a zone of its own it is in the project's."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a time such as 2027-01-31T02:30") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(settings.TIME_ZONE))


def parse_context(text: str) -> dict[str, Any]:
    """The JSON object of `--context`; refuses what the database could not keep."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_names)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError('it must be a JSON object such as {"name": "value"}')
    try:
        storable = json.dumps(value, ensure_ascii=False)
        storable.encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise argparse.ArgumentTypeError("it holds half a character (a lone surrogate)") from error
    if "\\u0000" in storable:
        raise argparse.ArgumentTypeError("it holds a NUL character, which cannot be stored")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice in an object")
    return found
