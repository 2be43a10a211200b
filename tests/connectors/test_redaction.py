"""Redaction: every form a secret travels in disappears from a text, and nothing else does."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.redaction import Redactor, redact, remember_secret

SECRET = "p@ss word/'ü\\\"<+>=&"


@pytest.fixture
def redactor() -> Redactor:
    """One that knows nothing yet, so that tests do not blank out each other's texts."""
    return Redactor()


def test_whole_process_shares_one_memory() -> None:
    remember_secret("shared-canary-0815")
    assert redact("x shared-canary-0815") == "x ***"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        repr(SECRET),
        json.dumps(SECRET),
        html.escape(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_each_form_is_replaced(redactor: Redactor, form: str) -> None:
    redactor.remember(SECRET)
    text = redactor.redact(f"before {form} after")
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert "***" in text
    assert form not in text
    assert "ss word" not in text


@pytest.mark.parametrize("user", ["a", "ab", "abc", "a longer user name"])
def test_secret_inside_a_basic_authorization_header_is_replaced(redactor: Redactor, user: str) -> None:
    redactor.remember("correct horse battery")
    header = base64.b64encode(f"{user}:correct horse battery".encode()).decode()
    shown = redactor.redact(f"Authorization: Basic {header}")
    assert "***" in shown
    part = shown.removeprefix("Authorization: Basic ").partition("***")[0]
    assert b"correct horse" not in base64.b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://sync:hunter2@db.example/erp", "postgresql://***@db.example/erp"),
        ("see https://user@example.org/x and http://a:b@c/", "see https://***@example.org/x and http://***@c/"),
        ("redis://:pa@ss@host:6379/0", "redis://***@host:6379/0"),
        ("https://example.org/path?mail=a@b.example", "https://example.org/path?mail=a@b.example"),
        ("write to ada@example.org", "write to ada@example.org"),
        ("", ""),
    ],
)
def test_user_and_password_of_urls_are_replaced(redactor: Redactor, text: str, shown: str) -> None:
    assert redactor.redact(text) == shown


def test_short_values_are_left_alone(redactor: Redactor) -> None:
    redactor.remember("abc")
    redactor.remember("")
    assert redactor.redact("abc abcd") == "abc abcd"


def test_longer_of_two_overlapping_secrets_is_replaced_whole(redactor: Redactor) -> None:
    redactor.remember("overlap-one")
    redactor.remember("overlap-one-and-more")
    assert redactor.redact("x overlap-one-and-more y") == "x *** y"


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_survives_in_clear(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.remember(secret)
    shown = redactor.redact(before + secret + after)
    assert secret not in shown.replace("***", "\0")
