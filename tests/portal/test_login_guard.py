"""The login locks itself after many wrong passwords: the same for names that are nobody's, and by the true address."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from syncjobs.operations import request_counts

RIGHT, WRONG = "quite-a-long-passphrase", "not-that-passphrase"
LOGIN = "/admin/login/"


@pytest.fixture(autouse=True)
def anna(db: None, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> User:
    """Somebody who can log in; the clock stands, so that no window ends meanwhile."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr("time.time", lambda: 900_000.0 + 120)
    return User.objects.create_superuser("anna", "", RIGHT)


def log_in(client: Client, name: str = "anna", password: str = WRONG, **extra: Any) -> int:
    return client.post(LOGIN, {"username": name, "password": password}, **extra).status_code


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_eleventh_try_is_refused_whatever_its_password(client: Client, name: str) -> None:
    assert [log_in(client, name) for _ in range(10)] == [200] * 10
    answer = client.post(LOGIN, {"username": name, "password": RIGHT})
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "780"
    assert "Too many tries to log in. Wait 13 minutes, then try again." in answer.content.decode()
    assert RIGHT not in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_window_ends_and_a_good_login_begins_it_anew(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        assert [log_in(client) for _ in range(9)] == [200] * 9
        assert log_in(client, password=RIGHT) == 302
        client.logout()
    assert [log_in(client) for _ in range(11)] == [200] * 10 + [429]
    monkeypatch.setattr("time.time", lambda: 900_000.0 + 900)
    assert log_in(client, password=RIGHT) == 302


def test_others_and_other_addresses_still_log_in(client: Client) -> None:
    User.objects.create_superuser("bert", "", RIGHT)
    assert [log_in(client) for _ in range(11)][-1] == 429
    assert log_in(client, "bert", RIGHT) == 302
    assert log_in(Client(), password=RIGHT, REMOTE_ADDR="10.0.0.9") == 302


def test_many_addresses_together_are_slowed_down(client: Client) -> None:
    answers = [log_in(client, REMOTE_ADDR=f"10.0.{number // 8}.1") for number in range(104)]
    assert answers == [200] * 100 + [429] * 4


@pytest.mark.parametrize(("proxies", "expected"), [(0, 429), (1, 429), (2, 200)])
def test_forged_address_gains_nothing(client: Client, settings: LazySettings, proxies: int, expected: int) -> None:
    settings.SYNCDECK_PROXIES = proxies
    tries = [log_in(client, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}, 192.0.2.1") for number in range(12)]
    assert tries[-1] == expected  # with two proxies, the last but one is what the outer of them saw


@pytest.mark.parametrize("told", ["", "nonsense", ",", "10.0.0.1"])
def test_what_is_no_address_changes_none(client: Client, settings: LazySettings, told: str) -> None:
    settings.SYNCDECK_PROXIES = 2
    assert [log_in(client, HTTP_X_FORWARDED_FOR=told) for _ in range(11)][-1] == 429


@pytest.fixture
def patient_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that waits for Redis on a busy machine, too, rather than count in the database."""
    monkeypatch.setattr(request_counts, "PATIENCE_SECONDS", 30.0)
    monkeypatch.setattr(request_counts, "_away_until", 0.0)
    request_counts.redis_client.cache_clear()
    yield
    request_counts.redis_client.cache_clear()


@pytest.mark.usefixtures("broker", "patient_client")
def test_thirty_at_once_get_ten_looks(transactional_db: None, anna: User) -> None:
    def one(_: int) -> int:
        try:
            return log_in(Client())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=6) as threads:
        assert sorted(threads.map(one, range(30))) == [200] * 10 + [429] * 20
