"""References: secrets read where they are, at the moment of connecting, and errors that name only the reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from connectors import paths
from connectors.apps import own_files
from connectors.errors import ConfigError
from connectors.redaction import redact
from connectors.references import resolve_references


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """The folder that file references begin at."""
    paths.configure(tmp_path)
    yield tmp_path
    paths.configure(settings.SYNCDECK_DATA_DIR, settings.SYNCDECK_FILE_ROOTS, own_files())


def test_variable_is_read_and_remembered_for_redaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP_PASSWORD", "env-canary-1")
    assert resolve_references({"password": "env:ERP_PASSWORD"}) == {"password": "env-canary-1"}
    assert redact("wrong password env-canary-1") == "wrong password ***"


def test_file_is_read_without_its_last_line_break(data_dir: Path) -> None:
    (data_dir / "password").write_text("file-canary-1\n")
    assert resolve_references({"password": "file:password"}) == {"password": "file-canary-1"}
    assert redact("file-canary-1") == "***"


def test_plain_value_stays() -> None:
    assert resolve_references({"password": "plain-canary"}) == {"password": "plain-canary"}


@pytest.mark.parametrize("value", ["", None])
def test_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("ERP_PASSWORD", raising=False)
    if value is not None:
        monkeypatch.setenv("ERP_PASSWORD", value)
    with pytest.raises(ConfigError, match="'password' refers to env:ERP_PASSWORD, which is not set") as caught:
        resolve_references({"password": "env:ERP_PASSWORD"})
    assert caught.value.code == "missing_reference"


def test_missing_variable_of_an_optional_credential_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHICAGO_API_TOKEN", raising=False)
    assert resolve_references({"app_token": "env:CHICAGO_API_TOKEN"}, {"app_token"}) == {}


@pytest.mark.parametrize("name", ["SECRET_KEY", "SYNCDECK_SECRET_KEYS", "DATABASE_URL", "A-B", "A B", "", "1A"])
def test_own_secrets_and_odd_names_are_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if name.isidentifier():
        monkeypatch.setenv(name, "own-canary")
    with pytest.raises(ConfigError, match="may not be used") as caught:
        resolve_references({"app_token": f"env:{name}"})
    assert "own-canary" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "content"), [("gone", None), ("empty", b""), ("binary", b"\xff\xfe\x00"), ("huge", b"x" * 70_000)]
)
def test_unusable_files_are_named(data_dir: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (data_dir / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"'password' refers to file:{name}, which") as caught:
        resolve_references({"password": f"file:{name}"})
    assert caught.value.code == "missing_reference"


def test_file_outside_the_roots_is_refused(data_dir: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_references({"password": "file:/etc/passwd"})
    assert caught.value.code == "outside_root"


def test_own_keys_are_out_of_reach() -> None:
    for name in ("credentials.key", "secret.key"):
        with pytest.raises(ConfigError, match="belongs to Syncdeck itself"):
            resolve_references({"password": f"file:{name}"})
