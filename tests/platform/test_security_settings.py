"""What a visitor's browser is told, on this machine alone and under a public name."""

from pathlib import Path

import pytest
from django.test import Client

from tests.platform.test_environment import run_manage

PUBLIC = {"ALLOWED_HOSTS": "sync.example.org"}


def test_deploy_check_is_clean_under_a_public_name() -> None:
    outcome = run_manage("check", "--deploy", "--fail-level", "WARNING", **PUBLIC)
    assert outcome.returncode == 0, outcome.stderr
    assert "0 silenced" in outcome.stdout


def print_settings(*names: str, **variables: str) -> list[str]:
    """Return the settings' values as a process with these variables sees them."""
    code = f"from django.conf import settings; print(*[getattr(settings, n) for n in {names!r}], sep='\\n')"
    return run_manage("shell", "--no-imports", "-c", code, **variables).stdout.splitlines()


@pytest.mark.parametrize(
    ("variables", "expected"), [({}, "False"), (PUBLIC, "True"), ({**PUBLIC, "DEBUG": "1"}, "False")]
)
def test_https_is_required_exactly_under_a_public_name(variables: dict[str, str], expected: str) -> None:
    names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    assert print_settings(*names, **variables) == [expected] * 3


def test_note_of_the_sandbox_is_let_through_the_guard(tmp_path: Path) -> None:
    (tmp_path / "sandbox.address").write_text("127.0.0.1:40123\n", encoding="ascii")
    printed = print_settings(
        "SYNCDECK_NETWORK_ALLOW", SYNCDECK_DATA_DIR=str(tmp_path), SYNCDECK_NETWORK_ALLOW="10.0.0.0/8"
    )
    assert printed == ["['10.0.0.0/8', '127.0.0.1:40123']"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/no-such-page/"])
def test_every_answer_forbids_foreign_and_inline_content(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_root_leads_to_the_portal(client: Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/admin/"


def test_liveness_asks_neither_host_nor_database(client: Client) -> None:
    answer = client.get("/livez", headers={"host": "anything.example"})
    assert answer.status_code == 200
    assert answer.content == b"ok"


def test_static_files_have_plain_names_until_they_are_collected(client: Client) -> None:
    answer = client.get("/static/admin/css/base.css")
    assert answer.status_code == 200
    assert b"--primary" in answer.getvalue()
