"""Every environment variable: what it becomes, and the one sentence a bad value is answered with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment, parse
from tests.isolation import CHECKOUT, FOREIGN

FERNET_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
BASE = Path("/srv/syncdeck")

BAD_VALUES = [
    ("DEBUG", "maybe", "true or false"),
    ("SECRET_KEY", "short", "at least 50 random characters"),
    ("SECRET_KEY", "a" * 60, "too weak"),
    ("SECRET_KEY", "django-insecure-" + "abcdefghij" * 5, "too weak"),
    ("ALLOWED_HOSTS", "*", "only with DEBUG on"),
    ("ALLOWED_HOSTS", "https://sync.example.org", "not a host name"),
    ("ALLOWED_HOSTS", "sync.example.org:8000", "not a host name"),
    ("ALLOWED_HOSTS", ",", "at least one host name"),
    ("CSRF_TRUSTED_ORIGINS", "sync.example.org", "not an origin"),
    ("CSRF_TRUSTED_ORIGINS", "https://sync.example.org/path", "not an origin"),
    ("DATABASE_URL", "mysql://u:hunter2@h/n", "postgresql://"),
    ("DATABASE_URL", "postgresql://u:hunter2@h", "postgresql://"),
    ("DATABASE_URL", "postgresql://u:hunter2@h:port/n", "postgresql://"),
    ("DATABASE_URL", "hunter2", "postgresql://"),
    ("REDIS_URL", "amqp://u:hunter2@h//", "redis://"),
    ("REDIS_URL", "localhost:6379", "redis://"),
    ("CELERY_BROKER_URL", "sqs://u:hunter2@", "amqp://"),
    ("CELERY_BROKER_URL", "redis://h:99999/0", "amqp://"),
    ("SYNCDECK_DATA_DIR", __file__, "not a directory"),
    ("SYNCDECK_FILE_ROOTS", "exports", "not absolute"),
    ("SYNCDECK_FILE_ROOTS", f"/srv,{__file__}", "not a directory"),
    ("SYNCDECK_APPS", "no_such_app_anywhere", "imported here"),
    ("SYNCDECK_APPS", "os; import sys", "Python package"),
    ("SYNCDECK_SECRET_KEYS", f"{FERNET_KEY},hunter2", "key 2"),
    ("SYNCDECK_NETWORK_ALLOW", "10.0.0.0/33", "network"),
    ("SYNCDECK_NETWORK_ALLOW", "db.example:70000", "host:port"),
    ("SYNCDECK_NETWORK_ALLOW", "http://db.example", "host:port"),
    ("SYNCDECK_QUEUES", "night jobs", "queue's name"),
    ("SYNCDECK_LEASE_SECONDS", "0", "2 to 3600"),
    ("SYNCDECK_PROXIES", "-1", "0 to 9"),
    ("SYNCDECK_LEASE_SECONDS", "1.5", "2 to 3600"),
    ("SYNCDECK_CRASH_AT", "somewhere", "after_read"),
    ("SYNCDECK_CRASH_AT", "after_read:0", "point:nth"),
    ("SYNCDECK_CRASH_AT", "after_read:2,somewhere", "not 'somewhere'"),
    ("WAREHOUSE_URL", "sqlite:///hunter2", "postgresql://"),
    ("CHICAGO_API_TOKEN", "hunter2 and more", "one word"),
    ("EMAIL_URL", "smtp//h:25", "smtp+tls://"),
    ("EMAIL_URL", "ftp://u:hunter2@h", "smtp+tls://"),
    ("TIME_ZONE", "Mars/Base", "time zone"),
    ("LOG_DIR", __file__, "not a directory"),
    ("HOST", "http://localhost", "address or host name"),
    ("PORT", "70000", "1 to 65535"),
    ("PORT", "0", "1 to 65535"),
    ("PORT", "eighty", "1 to 65535"),
]


@pytest.mark.parametrize(("name", "value", "words"), BAD_VALUES)
def test_bad_value_is_answered_with_one_sentence_that_names_it(name: str, value: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured) as raised:
        parse({name: value}, BASE)
    sentence = str(raised.value)
    assert sentence.startswith(f"{name} ")
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "hunter2" not in sentence, "a value that may hold a password is repeated"


def test_every_variable_has_a_bad_value_above() -> None:
    assert {name for name, _, _ in BAD_VALUES} == {*FOREIGN, "SYNCDECK_DATA_DIR"}


def test_empty_environment_gives_the_embedded_default() -> None:
    environment = parse({}, BASE)
    assert environment == Environment(
        debug=False,
        secret_key="",
        allowed_hosts=("localhost", "127.0.0.1", "[::1]"),
        csrf_trusted_origins=(),
        database_url="",
        broker_url="",
        data_dir=BASE / "data",
        file_roots=(),
        apps=(),
        secret_keys=(),
        network_allow=(),
        queues=("short", "default", "long"),
        lease_seconds=60,
        proxies=0,
        crash_at="",
        warehouse_url="",
        chicago_api_token="",
        email_url="consolemail://localhost",
        time_zone="UTC",
        log_dir=None,
        host="127.0.0.1",
        port=8000,
    )


def test_blank_value_counts_as_not_given() -> None:
    assert parse({"PORT": "", "TIME_ZONE": "  "}, BASE) == parse({}, BASE)


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"REDIS_URL": "redis://h:6379/1"}, "redis://h:6379/1"),
        ({"REDIS_URL": "valkey://h:6379/1"}, "redis://h:6379/1"),
        ({"REDIS_URL": "unix:///run/redis.sock"}, "redis+socket:///run/redis.sock"),
        ({"REDIS_URL": "redis://h/1", "CELERY_BROKER_URL": "amqp://u:p@h:5672//"}, "amqp://u:p@h:5672//"),
        ({"CELERY_BROKER_URL": "rediss://:p@h:6380/0"}, "rediss://:p@h:6380/0"),
    ],
)
def test_broker_is_spelled_for_celery_and_its_own_variable_wins(variables: dict[str, str], url: str) -> None:
    assert parse(variables, BASE).broker_url == url


def test_lists_keep_their_order_and_lose_blanks_and_repetitions() -> None:
    environment = parse(
        {
            "SYNCDECK_QUEUES": "night, default ,,night",
            "SYNCDECK_NETWORK_ALLOW": "10.0.0.0/8, db.example:5432,[::1]:80,2001:db8::/32",
            "SYNCDECK_SECRET_KEYS": f" {FERNET_KEY} ",
            "ALLOWED_HOSTS": ".example.org,[::1]",
        },
        BASE,
    )
    assert environment.queues == ("short", "default", "long", "night")
    assert environment.network_allow == ("10.0.0.0/8", "db.example:5432", "[::1]:80", "2001:db8::/32")
    assert environment.secret_keys == (FERNET_KEY,)
    assert environment.allowed_hosts == (".example.org", "[::1]")


def test_listening_address_may_stand_in_brackets() -> None:
    assert parse({"HOST": "[::1]"}, BASE).host == "::1"


def test_debug_lets_loopback_through_the_guard_and_any_host_in() -> None:
    environment = parse({"DEBUG": "on", "ALLOWED_HOSTS": "*"}, BASE)
    assert environment.network_allow == ("127.0.0.0/8", "::1")
    assert environment.allowed_hosts == ("*",)


def run_manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a management command in a process of its own."""
    command = [sys.executable, "manage.py", *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60
    )


def test_bad_value_stops_the_start_with_that_sentence_alone() -> None:
    outcome = run_manage("check", PORT="eighty")
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert outcome.stderr == "PORT must be a whole number from 1 to 65535, not 'eighty'.\n"


def test_data_directory_that_cannot_be_made_is_named() -> None:
    outcome = run_manage("check", SYNCDECK_DATA_DIR="/proc/no/such/place")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("SYNCDECK_DATA_DIR names /proc/no/such/place, which cannot be used")
    assert outcome.stderr.count("\n") == 1


def test_example_file_lists_every_variable() -> None:
    text = (CHECKOUT / ".env.example").read_text(encoding="utf-8")
    listed = {
        line.lstrip("# ").partition("=")[0]
        for line in text.splitlines()
        if "=" in line and " " not in line.lstrip("# ").partition("=")[0]
    }
    assert listed == {*FOREIGN, "SYNCDECK_DATA_DIR"}


def test_env_file_beside_manage_py_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9001\nTIME_ZONE=Europe/Berlin\n", encoding="ascii")
    code = f"from pathlib import Path; from config.environment import load; e = load(Path({str(tmp_path)!r})); "
    code += "print(e.port, e.time_zone)"
    variables = {**os.environ, "TIME_ZONE": "America/Chicago"}
    command = [sys.executable, "-c", code]
    outcome = subprocess.run(command, env=variables, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert outcome.stdout == "9001 America/Chicago\n"
