"""Reads every environment variable Syncdeck knows into one frozen record. No other module looks at the environment.

A bad value raises ImproperlyConfigured with one sentence that begins with the variable's name.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from config import parsing

Value = TypeVar("Value")

POSTGRES_SCHEMES = ("postgres", "postgresql")
REDIS_SCHEMES = ("redis", "rediss", "valkey", "valkeys", "redis+socket", "unix")
AMQP_SCHEMES = ("amqp", "amqps", "pyamqp")
MAIL_SCHEMES = ("smtp", "smtps", "smtp+tls", "smtp+ssl", "consolemail", "dummymail")
LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1")
DATABASE_EXAMPLE = "postgresql://user:password@host:5432/name"


@dataclass(frozen=True)
class Environment:
    """What the environment says, checked. An empty text or tuple means that the variable was not given."""

    debug: bool
    secret_key: str
    allowed_hosts: tuple[str, ...]
    csrf_trusted_origins: tuple[str, ...]
    database_url: str
    broker_url: str
    data_dir: Path
    file_roots: tuple[Path, ...]
    apps: tuple[str, ...]
    secret_keys: tuple[str, ...]
    network_allow: tuple[str, ...]
    queues: tuple[str, ...]
    lease_seconds: int
    proxies: int
    crash_at: str
    warehouse_url: str
    chicago_api_token: str
    email_url: str
    time_zone: str
    log_dir: Path | None
    host: str
    port: int


def load(base_dir: Path) -> Environment:
    """Read `.env` in `base_dir`, then the process's environment, which wins."""
    env_file = base_dir / ".env"
    if env_file.is_file():
        # Into os.environ, so that a credential given as `env:NAME` and every child process see it as well.
        Env.read_env(str(env_file))
    return parse(os.environ, base_dir)


def parse(variables: Mapping[str, str], base_dir: Path) -> Environment:
    """Check every variable; paths that are not absolute begin at `base_dir`."""

    def read(name: str, default: str, convert: Callable[[str], Value]) -> Value:
        text = variables.get(name, "")
        try:
            return convert(text if text.strip() else default)
        except parsing.BadValue as problem:
            raise ImproperlyConfigured(f"{name} {problem}") from problem

    def optional(convert: Callable[[str], Value], empty: Value) -> Callable[[str], Value]:
        return lambda text: convert(text) if text else empty

    debug = read("DEBUG", "false", parsing.parse_boolean)
    default_networks = ",".join(LOOPBACK_NETWORKS) if debug else ""
    return Environment(
        debug=debug,
        secret_key=read("SECRET_KEY", "", optional(parsing.parse_secret_key, "")),
        allowed_hosts=read(
            "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", lambda text: parsing.parse_allowed_hosts(text, debug=debug)
        ),
        csrf_trusted_origins=read("CSRF_TRUSTED_ORIGINS", "", parsing.parse_origins),
        database_url=read("DATABASE_URL", "", optional(parse_database_url, "")),
        broker_url=(
            read("CELERY_BROKER_URL", "", optional(parse_broker_url, ""))
            or read("REDIS_URL", "", optional(parse_redis_url, ""))
        ),
        data_dir=read("SYNCDECK_DATA_DIR", "data", lambda text: parsing.parse_directory(text, base_dir)),
        file_roots=read("SYNCDECK_FILE_ROOTS", "", parsing.parse_file_roots),
        apps=read("SYNCDECK_APPS", "", parsing.parse_apps),
        secret_keys=read("SYNCDECK_SECRET_KEYS", "", parsing.parse_fernet_keys),
        network_allow=read("SYNCDECK_NETWORK_ALLOW", default_networks, parsing.parse_network_allowance),
        queues=read("SYNCDECK_QUEUES", "", parsing.parse_queues),
        lease_seconds=read("SYNCDECK_LEASE_SECONDS", "60", lambda text: parsing.parse_integer(text, 2, 3600)),
        proxies=read("SYNCDECK_PROXIES", "0", lambda text: parsing.parse_integer(text, 0, 9)),
        crash_at=read("SYNCDECK_CRASH_AT", "", optional(parsing.parse_crash_points, "")),
        warehouse_url=read("WAREHOUSE_URL", "", optional(parse_database_url, "")),
        chicago_api_token=read("CHICAGO_API_TOKEN", "", optional(parsing.parse_token, "")),
        email_url=read("EMAIL_URL", "consolemail://", parse_mail_url),
        time_zone=read("TIME_ZONE", "UTC", parsing.parse_time_zone),
        log_dir=read("LOG_DIR", "", lambda text: parsing.parse_directory(text, base_dir) if text else None),
        host=read("HOST", "127.0.0.1", parsing.parse_listening_host),
        port=read("PORT", "8000", lambda text: parsing.parse_integer(text, 1, 65535)),
    )


def parse_database_url(text: str) -> str:
    """Check the URL of a PostgreSQL database."""
    return parsing.parse_url(text, POSTGRES_SCHEMES, DATABASE_EXAMPLE, needs_path=True)


def parse_redis_url(text: str) -> str:
    """Check the URL of a Redis or Valkey server and return it in Celery's spelling."""
    url = parsing.parse_url(text, REDIS_SCHEMES, "redis://host:6379/0 or unix:///path/to/socket")
    scheme, _, rest = url.partition("://")
    spelling = {"valkey": "redis", "valkeys": "rediss", "unix": "redis+socket"}
    return f"{spelling.get(scheme, scheme)}://{rest}"


def parse_broker_url(text: str) -> str:
    """Check the URL of a Redis, Valkey or RabbitMQ broker and return it in Celery's spelling."""
    example = "redis://host:6379/0 or amqp://user:password@host:5672/vhost"
    url = parsing.parse_url(text, (*REDIS_SCHEMES, *AMQP_SCHEMES), example)
    return url if url.startswith(AMQP_SCHEMES) else parse_redis_url(url)


def parse_mail_url(text: str) -> str:
    """Check the URL of a mail server; consolemail:// prints instead, dummymail:// drops."""
    return parsing.parse_url(
        f"{text}localhost" if text.endswith("://") else text, MAIL_SCHEMES, "smtp+tls://user:password@host:587"
    )
