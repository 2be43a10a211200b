"""Generated keys: made once, private, and the same for processes that start at once."""

import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config.keys import generate_fernet_key, generate_secret_key, load_or_create_key


def create(data_dir: Path) -> str:
    """Ask for the key as a starting process does."""
    return load_or_create_key(data_dir, "secret.key", generate_secret_key)


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(max_workers=8) as pool:
        keys = set(pool.map(create, [tmp_path / "data"] * 64))
    assert len(keys) == 1
    assert len(keys.pop()) >= 50
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret.key"]


def test_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    create(tmp_path / "data")
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_credential_keys_are_fernet_keys() -> None:
    key = generate_fernet_key()
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"x")) == b"x"
    assert generate_fernet_key() != key


def test_unusable_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    with pytest.raises(ImproperlyConfigured, match=r"SYNCDECK_DATA_DIR names .*file/data, which cannot be used"):
        create(tmp_path / "file" / "data")
